/**
 * A real MySQL Router, bootstrapped against the metadata of a cluster.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { connectMysql, type Mysql } from "../../../interfaces/clients/mysql/connection.ts";
import { ADMIN } from "./cluster.ts";
import { HOST, type LabServer } from "./lab.ts";
import { freePorts } from "./ports.ts";

/** Router lets clients in at ports next to each other. */
const PORTS = 5;
const READ_ONLY = 1;

/** A Router that runs until it is closed. */
export class Router implements AsyncDisposable {
  private constructor(readonly directory: string, readonly basePort: number, readonly child: Deno.ChildProcess) {}

  /**
   * Bootstraps a Router and starts it.
   *
   * @param server the primary
   * @param account who it runs as; without one it makes a user of its own
   */
  static async start(server: LabServer, account?: { user: string; password: string }): Promise<Router> {
    const { programs, directory: lab } = server.lab;
    const directory = join(lab, `router-${crypto.randomUUID().slice(0, 8)}`);
    await Deno.mkdir(directory, { mode: 0o700 });
    const basePort = freePorts(1, PORTS)[0] ?? 0;
    const bootstrap = new Deno.Command(programs.mysqlrouter, {
      args: [
        ...["--bootstrap", `${ADMIN.user}@${HOST}:${server.port}`, "--directory", directory, "--name", directory],
        ...["--conf-base-port", `${basePort}`, "--report-host", HOST, "--disable-rest", "--user", "root"],
        `--conf-set-option=DEFAULT.plugin_folder=${programs.routerPlugins}`,
        ...account ? ["--account", account.user, "--account-create", "never"] : [],
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const input = bootstrap.stdin.getWriter();
    await input.write(new TextEncoder().encode(`${ADMIN.password}\n${account ? `${account.password}\n` : ""}`));
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
    return new Router(directory, basePort, child);
  }

  /** Connects to the primary through the Router. */
  write(): Promise<Mysql> {
    return this.#connect(this.basePort);
  }

  /** Connects to a secondary through the Router. */
  read(): Promise<Mysql> {
    return this.#connect(this.basePort + READ_ONLY);
  }

  async close(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.status;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Router's certificate is one of its own making. */
  #connect(port: number): Promise<Mysql> {
    const at = { host: HOST, port, tls: "unverified" } as const;
    return connectMysql({ at, user: ADMIN.user, password: ADMIN.password, timeoutMs: 20_000 });
  }
}
