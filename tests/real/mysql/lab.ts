/**
 * Real MySQL servers on one loopback address, each with a port and files of its own, kept running as a charm's are.
 *
 * @module
 */
import { fail } from "@std/assert";
import { join } from "node:path";
import type { MysqlPrograms } from "../../../build/install_mysql.ts";
import { createAuthority, type Identity, issue } from "../../../interfaces/clients/certificates/authority.ts";
import { ClientError } from "../../../interfaces/clients/errors.ts";
import { ensureDirectory, type Owner, userIds, writeFileAtomically } from "../../../interfaces/clients/files.ts";
import { connectMysql, type Mysql } from "../../../interfaces/clients/mysql/connection.ts";
import {
  initializeArguments,
  removeSocketLock,
  renderInitFile,
  renderMyCnf,
  serverArguments,
} from "../../../interfaces/clients/mysql/my_cnf.ts";
import { type ServiceManager, serviceManager, type ServiceSpec } from "../../../interfaces/clients/service/service.ts";
import { freePorts } from "./ports.ts";

/** All servers are on this address: group replication does not find separate loopback addresses. */
export const HOST = "127.0.0.1";

const UP_MS = 120_000;
const POLL_MS = 50;
/** Small servers: ten of them shall fit on a small machine. */
const SMALL = {
  // The machine has room for the native kind of some twenty servers only, whoever runs them.
  innodb_use_native_aio: "OFF",
  innodb_redo_log_capacity: "16M",
  performance_schema_max_table_instances: "500",
  performance_schema_max_thread_instances: "200",
  table_open_cache: "400",
  table_definition_cache: "600",
};

/** One server; it need not run. */
export class LabServer {
  constructor(readonly lab: MysqlLab, readonly number: number, readonly port: number, readonly spec: ServiceSpec) {}

  get host(): string {
    return HOST;
  }

  get directory(): string {
    return join(this.lab.directory, `${this.number}`);
  }

  get socketPath(): string {
    return join(this.directory, "run/mysqld.sock");
  }

  /** Connects as root by the socket. */
  connect(timeoutMs = 20_000): Promise<Mysql> {
    return connectMysql({ at: { socketPath: this.socketPath }, user: "root", timeoutMs });
  }

  /** Does something with a connection as root. */
  async as<T>(work: (db: Mysql) => Promise<T>): Promise<T> {
    await using db = await this.connect();
    return await work(db);
  }

  /** Connects by the network, checking the certificate. */
  connectRemote(user: string, password: string, timeoutMs = 20_000): Promise<Mysql> {
    const tls = { ca: this.lab.authority.certificate };
    return connectMysql({ at: { host: HOST, port: this.port, tls }, user, password, timeoutMs });
  }

  /** Starts the server and waits until it lets root in. */
  async start(): Promise<void> {
    await this.lab.manager.install(this.spec);
    if (!(await this.lab.manager.state(this.spec)).running) await removeSocketLock(this.socketPath);
    await this.lab.manager.start(this.spec);
    await this.waitUp();
  }

  /** Waits until the server lets root in, such as after it has restarted itself. */
  async waitUp(): Promise<void> {
    const end = Date.now() + UP_MS;
    while (true) {
      try {
        await (await this.connect(5000)).close();
        return;
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        if (Date.now() > end) fail(`server ${this.number} is not up: ${error.message}\n${await this.lab.logOf(this)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async stop(): Promise<void> {
    await this.lab.manager.stop(this.spec);
  }

  /** Ends the server at once, as a power failure would. */
  async kill(): Promise<void> {
    await this.lab.manager.kill(this.spec);
  }

  /** Holds the server; its sockets stay open. */
  async pause(): Promise<void> {
    const pid = await this.#pid();
    Deno.kill(pid, "SIGSTOP");
    // A thread that has not stopped yet may still answer.
    while (!(await threadStates(pid)).every((state) => state === "T")) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Lets a held server go on. */
  async resume(): Promise<void> {
    Deno.kill(await this.#pid(), "SIGCONT");
  }

  async #pid(): Promise<number> {
    const { pid } = await this.lab.manager.state(this.spec);
    return pid ?? fail(`server ${this.number} does not run`);
  }
}

/** The states of a process's threads, such as `S` or `T`. */
async function threadStates(pid: number): Promise<string[]> {
  const states: string[] = [];
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    // A thread may end meanwhile.
    const text = await Deno.readTextFile(`/proc/${pid}/task/${name}/stat`).catch(() => "");
    if (text !== "") states.push(text.slice(text.lastIndexOf(")") + 2, text.lastIndexOf(")") + 3));
  }
  return states;
}

/** Servers that are gone with {@linkcode MysqlLab.close}. */
export class MysqlLab implements AsyncDisposable {
  readonly servers: LabServer[] = [];

  private constructor(
    readonly programs: MysqlPrograms,
    readonly directory: string,
    readonly owner: Owner,
    readonly manager: ServiceManager,
    readonly authority: Identity,
  ) {}

  /** Prepares an empty laboratory. */
  static async open(programs: MysqlPrograms): Promise<MysqlLab> {
    const owner = await mysqlUser();
    const directory = await Deno.makeTempDir({ prefix: "mysql-" });
    await Deno.chmod(directory, 0o755);
    const manager = await serviceManager({ kind: "supervisor" });
    return new MysqlLab(programs, directory, owner, manager, await createAuthority({ name: "lab", days: 2 }));
  }

  /** Makes servers with empty data directories and starts them. */
  async add(count: number, more: Readonly<Record<string, string>> = {}): Promise<LabServer[]> {
    const ports = freePorts(count);
    const made = ports.map((port, index) => this.#describe(this.servers.length + index + 1, port));
    this.servers.push(...made);
    await Promise.all(made.map(async (server) => {
      await this.#prepare(server, more);
      await server.start();
    }));
    return made;
  }

  /** The end of a server's error log. */
  async logOf({ directory }: LabServer): Promise<string> {
    const text = await Deno.readTextFile(join(directory, "log/error.log")).catch(() => "");
    return text.split("\n").slice(-25).join("\n");
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => this.manager.kill(server.spec)));
    await Deno.remove(this.directory, { recursive: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #describe(number: number, port: number): LabServer {
    const directory = join(this.directory, `${number}`);
    return new LabServer(this, number, port, {
      name: `mysql-${number}`,
      description: `MySQL ${number} of a test`,
      argv: [this.programs.mysqld, ...serverArguments({ myCnf: join(directory, "my.cnf") })],
      user: "mysql",
      directory,
      restartExitCodes: [16],
      stopTimeoutMs: 60_000,
    });
  }

  async #prepare({ directory, socketPath, port, number }: LabServer, more: Readonly<Record<string, string>>) {
    const secret = { mode: 0o600, owner: this.owner };
    await ensureDirectory(directory, { mode: 0o755 });
    for (const part of ["data", "run", "log", "tls"]) {
      await ensureDirectory(join(directory, part), { mode: 0o750, owner: this.owner });
    }
    const tls = { ca: "tls/ca.pem", cert: "tls/cert.pem", key: "tls/key.pem" };
    const identity = await issue(this.authority, {
      subject: { cn: `server ${number}` },
      addresses: [HOST],
      usage: ["server", "client"],
      days: 2,
    });
    await writeFileAtomically(join(directory, tls.ca), this.authority.certificate, secret);
    await writeFileAtomically(join(directory, tls.cert), identity.certificate, secret);
    await writeFileAtomically(join(directory, tls.key), identity.key, secret);
    const text = renderMyCnf({
      serverId: number + 1000,
      host: HOST,
      port,
      dataDirectory: join(directory, "data"),
      socketPath,
      pidFile: join(directory, "run/mysqld.pid"),
      errorLog: join(directory, "log/error.log"),
      user: "mysql",
      bindAddresses: [HOST],
      bufferPoolMiB: 32,
      tls: { ca: join(directory, tls.ca), cert: join(directory, tls.cert), key: join(directory, tls.key) },
      more: { ...SMALL, ...more },
    });
    const paths = { myCnf: join(directory, "my.cnf"), initFile: join(directory, "init.sql") };
    await writeFileAtomically(paths.myCnf, text, secret);
    await writeFileAtomically(paths.initFile, renderInitFile(), { mode: 0o600, owner: this.owner });
    const { success } = await new Deno.Command(this.programs.mysqld, {
      args: initializeArguments(paths),
      uid: this.owner.uid,
      gid: this.owner.gid,
      cwd: directory,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    if (!success) {
      fail(`the data directory was not made:\n${await Deno.readTextFile(join(directory, "log/error.log"))}`);
    }
  }
}

/** mysqld refuses to run as root. */
async function mysqlUser(): Promise<Owner> {
  const found = await userIds("mysql");
  if (found) return found;
  await new Deno.Command("useradd", { args: ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "mysql"] })
    .output();
  return await userIds("mysql") ?? fail("the machine has no user mysql and cannot make one");
}
