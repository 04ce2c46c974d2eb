/**
 * A real MySQL Router, bootstrapped against the metadata of a cluster.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import type { MysqlPrograms } from "../../../build/install_mysql.ts";
import { connectMysql, type Mysql } from "../../../interfaces/clients/mysql/connection.ts";
import { ADMIN } from "./cluster.ts";
import { HOST, type LabServer } from "./lab.ts";
import { freePorts } from "./ports.ts";

/** Router lets clients in at ports next to each other. */
const PORTS = 5;
const READ_ONLY = 1;

/** Who logs in. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

/** Where a Router begins. */
export interface RouterOptions {
  readonly programs: MysqlPrograms;
  /** Directory in which it gets one of its own. */
  readonly directory: string;
  /** Port of the primary. */
  readonly port: number;
  /** Who bootstraps it, and connects through it. */
  readonly admin: Login;
  /** Who it runs as; without one it makes a user of its own. */
  readonly account?: Login | undefined;
}

/** A Router that runs until it is closed. */
export class Router implements AsyncDisposable {
  private constructor(readonly basePort: number, readonly admin: Login, readonly child: Deno.ChildProcess) {}

  /**
   * Bootstraps a Router and starts it.
   *
   * @param server the primary
   * @param account who it runs as; without one it makes a user of its own
   */
  static start({ lab, port }: LabServer, account?: Login): Promise<Router> {
    return Router.bootstrap({ programs: lab.programs, directory: lab.directory, port, admin: ADMIN, account });
  }

  /** {@linkcode Router.start}, for servers that belong to no laboratory. */
  static async bootstrap({ programs, directory: parent, port, admin, account }: RouterOptions): Promise<Router> {
    const directory = join(parent, `router-${crypto.randomUUID().slice(0, 8)}`);
    await Deno.mkdir(directory, { mode: 0o700 });
    const basePort = freePorts(1, PORTS)[0] ?? 0;
    const bootstrap = new Deno.Command(programs.mysqlrouter, {
      args: [
        ...["--bootstrap", `${admin.user}@${HOST}:${port}`, "--directory", directory, "--name", directory],
        ...["--conf-base-port", `${basePort}`, "--report-host", HOST, "--disable-rest", "--user", "root"],
        `--conf-set-option=DEFAULT.plugin_folder=${programs.routerPlugins}`,
        ...account ? ["--account", account.user, "--account-create", "never"] : [],
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const input = bootstrap.stdin.getWriter();
    await input.write(new TextEncoder().encode(`${admin.password}\n${account ? `${account.password}\n` : ""}`));
    await input.close();
    const { code, stdout, stderr } = await bootstrap.output();
    const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("\n");
    assertEquals(code, 0, said);
    const child = new Deno.Command(programs.mysqlrouter, {
      args: ["-c", join(directory, "mysqlrouter.conf")],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    return new Router(basePort, admin, child);
  }

  /** Connects to the primary through the Router. @param login who connects; the one who bootstrapped it, without */
  write(login?: Login, timeoutMs?: number): Promise<Mysql> {
    return this.#connect(this.basePort, login, timeoutMs);
  }

  /** Connects to a secondary through the Router. @param login see {@linkcode Router.write} */
  read(login?: Login, timeoutMs?: number): Promise<Mysql> {
    return this.#connect(this.basePort + READ_ONLY, login, timeoutMs);
  }

  async close(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.status;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Router's certificate is one of its own making. */
  #connect(port: number, { user, password } = this.admin, timeoutMs = 20_000): Promise<Mysql> {
    return connectMysql({ at: { host: HOST, port, tls: "unverified" }, user, password, timeoutMs });
  }
}
