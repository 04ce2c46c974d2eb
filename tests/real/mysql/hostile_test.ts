import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import {
  AuthenticationError,
  CertificateError,
  ClientError,
  ClientTimeoutError,
  InputError,
  ReplyError,
  UnreachableError,
} from "../../../interfaces/clients/errors.ts";
import { createAuthority } from "../../../interfaces/clients/certificates/authority.ts";
import { ensureAccount, setPassword } from "../../../interfaces/clients/mysql/accounts.ts";
import { connectMysql, type MysqlPlace } from "../../../interfaces/clients/mysql/connection.ts";
import { ServerError } from "../../../interfaces/clients/mysql/errors.ts";
import { readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { numberIn, textIn } from "../../../interfaces/clients/mysql/rows.ts";
import { readServer } from "../../../interfaces/clients/mysql/status.ts";
import { ADMIN } from "./cluster.ts";
import { MysqlLab } from "./lab.ts";
import { against, errorPacket, greeting, okPacket, resultPackets, serving, writeAll } from "./simulated_server.ts";

const SECRET = "hunter2";
const TEXT = new TextEncoder();
const LONG_MS = 30_000;
const SHORT_MS = 300;

const connect = (at: MysqlPlace, timeoutMs = LONG_MS) => connectMysql({ at, user: "u", password: SECRET, timeoutMs });

function assertHarmless(error: unknown): void {
  assertInstanceOf(error, ClientError);
  assert(!error.message.includes("\n"));
  assert(!Deno.inspect(error).includes(SECRET), Deno.inspect(error));
}

Deno.test("mysql: what is not MySQL is told apart", async (t) => {
  const banners = {
    "a web server": "HTTP/1.1 400 Bad Request\r\n\r\n",
    "an SSH server": "SSH-2.0-OpenSSH_9.2\r\n",
    "a mail server": "220 mail.example.com ESMTP\r\n",
    zeros: "\0".repeat(100),
    junk: "\xff".repeat(5000),
  };
  for (const [what, banner] of Object.entries(banners)) {
    await t.step(what, async () => {
      const error = await against(async (raw) => {
        await writeAll(raw, TEXT.encode(banner));
      }, (at) => assertRejects(() => connect(at), ReplyError, "not MySQL"));
      assertHarmless(error);
    });
  }
  await t.step("a server that says nothing", async () => {
    await against(
      () => new Promise<void>(() => {}),
      (at) => assertRejects(() => connect(at, SHORT_MS), ClientTimeoutError),
    );
  });
  await t.step("a server that hangs up", async () => {
    await against(
      (_, connection) => Promise.resolve(connection.drop()),
      (at) => assertRejects(() => connect(at), UnreachableError),
    );
  });
  await t.step("nothing there", async () => {
    const error = await assertRejects(() => connect({ socketPath: "/nonexistent/mysqld.sock" }), UnreachableError);
    assertHarmless(error);
  });
});

Deno.test("mysql: a greeting and then nonsense", async (t) => {
  const endings: Record<string, readonly Uint8Array[]> = {
    "an error": [errorPacket(1040, `near '${SECRET}'`)],
    "an unknown way to log in": [new Uint8Array([0xfe, ...TEXT.encode("evil_plugin\0data\0")])],
    "a wish for the plain password": [new Uint8Array([0xfe, ...TEXT.encode("mysql_clear_password\0")])],
    "an empty packet": [new Uint8Array()],
    "bytes without meaning": [crypto.getRandomValues(new Uint8Array(3000)).fill(0x7e, 0, 1)],
  };
  for (const [what, packets] of Object.entries(endings)) {
    await t.step(what, async () => {
      const received: number[] = [];
      const error = await against(async (raw, connection) => {
        await connection.send(0, greeting());
        let number = 2;
        for (const packet of packets) await connection.send(number++, packet);
        const bytes = new Uint8Array(10_000);
        for (let count; (count = await raw.read(bytes)) !== null;) received.push(...bytes.subarray(0, count));
      }, (at) => assertRejects(() => connect(at), ClientError));
      assertHarmless(error);
      assert(!new TextDecoder("latin1").decode(new Uint8Array(received)).includes(SECRET), "the password was not sent");
    });
  }
  await t.step("no TLS where it is wanted", async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    const served = (async () => {
      using connection = await listener.accept();
      const hello = greeting();
      await writeAll(connection, new Uint8Array([hello.length, 0, 0, 0, ...hello]));
      await connection.read(new Uint8Array(1000));
    })();
    const at = { host: "127.0.0.1", port, tls: "unverified" } as const;
    await assertRejects(() => connect(at), CertificateError, "TLS");
    listener.close();
    await served;
  });
});

Deno.test("mysql: statements that end badly", async (t) => {
  await t.step("error packets become typed errors without the server's text", async () => {
    await against(
      serving((_, connection) => connection.send(1, errorPacket(1064, `syntax near '${SECRET}'`))),
      async (at) => {
        await using db = await connect(at);
        const error = await assertRejects(() => db.run("create the user", sql`X ${SECRET}`), ServerError, "1064");
        assertEquals([error.number, error.operation, error.outcomeUnknown], [1064, "create the user", false]);
        assertHarmless(error);
      },
    );
  });
  await t.step("a connection that drops leaves a change unknown, not a question", async () => {
    await against(serving((_, connection) => Promise.resolve(connection.drop())), async (at) => {
      await using db = await connect(at);
      const error = await assertRejects(() => db.run("change something", sql`X`), UnreachableError);
      assert(error.outcomeUnknown);
      await assertRejects(() => db.query("look", sql`X`), ClientError);
    });
    await against(serving((_, connection) => Promise.resolve(connection.drop())), async (at) => {
      await using db = await connect(at);
      assert(!(await assertRejects(() => db.query("look", sql`X`), UnreachableError)).outcomeUnknown);
    });
  });
  await t.step("no answer in time", async () => {
    await against(serving(() => Promise.resolve()), async (at) => {
      await using db = await connect(at);
      const error = await assertRejects(() => db.run("wait", sql`X`, { timeoutMs: 200 }), ClientTimeoutError, "200 ms");
      assert(error.outcomeUnknown);
      await assertRejects(() => db.run("wait again", sql`X`, { timeoutMs: 200 }), ClientError);
    });
  });
  await t.step("an answer of another shape", async () => {
    await against(serving((_, connection) => connection.send(1, okPacket)), async (at) => {
      await using db = await connect(at);
      assertEquals((await readGroup(db)).members, []);
      await assertRejects(() => readServer(db), ReplyError);
    });
  });
  await t.step("columns of types and in character sets that do not fit, or that nobody has", async () => {
    const ask = (charset: number, type: number) => {
      const answer = serving(async (_, connection) => {
        for (const [at, each] of resultPackets({ charset, type }, "ü").entries()) await connection.send(at + 1, each);
      });
      return against(answer, async (at) => {
        await using db = await connect(at);
        return textIn((await db.query("look", sql`X`))[0], "value");
      });
    };
    // Binary, GBK, Shift JIS; text, JSON, a time, a geometry, a number, and no type.
    for (const charset of [63, 28, 13]) {
      for (const type of [253, 245, 12, 255, 3, 99]) assertEquals(await ask(charset, type), "ü");
    }
    await assertRejects(() => ask(65_000, 253), ReplyError);
  });
  await t.step("a wish for a local file", async () => {
    const received: number[] = [];
    await against(
      serving(async (packet, connection) => {
        received.push(...packet);
        await connection.send(1, new Uint8Array([0xfb, ...TEXT.encode("/etc/hostname")]));
      }),
      async (at) => {
        await using db = await connect(at);
        await assertRejects(() => db.query("look", sql`X`, { timeoutMs: SHORT_MS }), ClientError);
      },
    );
    const hostname = (await Deno.readTextFile("/etc/hostname")).trim();
    assert(!new TextDecoder("latin1").decode(new Uint8Array(received)).includes(hostname));
  });
});

Deno.test("mysql: options that cannot be used are refused before anything is sent", async () => {
  const place = { host: "127.0.0.1", port: 3306, tls: "unverified" } as const;
  const bad: MysqlPlace[] = [
    { ...place, host: "a b" },
    { ...place, host: "" },
    { ...place, host: "127.0.0.1\r\n" },
    { ...place, port: 0 },
    { ...place, port: 3306.5 },
    { ...place, port: NaN },
    { ...place, tls: { ca: "no PEM" } },
    { socketPath: "relative" },
    { socketPath: `/${"x".repeat(200)}` },
    { socketPath: "/a\0b" },
  ];
  for (const at of bad) await assertRejects(() => connect(at), InputError, undefined, JSON.stringify(at));
});

const programs = await mysqlForTests();

Deno.test({
  name: "mysql: a real server that refuses, hangs or goes away",
  ignore: programs === undefined,
  fn: async (t) => {
    assert(programs);
    await using lab = await MysqlLab.open(programs);
    const [server] = await lab.add(1, { sql_mode: "NO_BACKSLASH_ESCAPES" });
    assert(server);
    await server.as((db) => ensureAccount(db, ADMIN, { replicate: false }));
    const at = { host: server.host, port: server.port };
    const login = (place: MysqlPlace, password = ADMIN.password) =>
      connectMysql({ at: place, user: ADMIN.user, password, timeoutMs: 20_000 });

    await t.step("wrong password", async () => {
      const error = await assertRejects(() => server.connectRemote(ADMIN.user, SECRET), AuthenticationError);
      assertHarmless(error);
      await assertRejects(() => login({ socketPath: server.socketPath }, SECRET), AuthenticationError);
    });
    await t.step("certificate of another authority, or for another host", async () => {
      const other = await createAuthority({ name: "other", days: 1 });
      await assertRejects(() => login({ ...at, tls: { ca: other.certificate } }), CertificateError);
      const localhost = { ...at, host: "localhost", tls: { ca: lab.authority.certificate } };
      await assertRejects(() => login(localhost), CertificateError);
      await (await login({ ...at, tls: { ca: lab.authority.certificate } })).close();
      await (await login({ ...at, tls: "unverified" })).close();
    });
    await t.step("passwords are right also where the server takes no backslashes", async () => {
      await using db = await server.connect();
      for (const password of ["\\", "'; DROP USER x; -- ", "a\\'b", "\\' OR 1=1 -- ", "x?y??z", "\u{1F600}'\"`"]) {
        await setPassword(db, { ...ADMIN, password }, { replicate: false });
        await (await login({ socketPath: server.socketPath }, password)).close();
      }
      await setPassword(db, ADMIN, { replicate: false });
    });
    await t.step("texts and big numbers come back as they went", async () => {
      await using db = await server.connect();
      for (const text of ["'\"\\\0\n\r\x1a", "%_?::$1", "\u{1F600}ü", "x".repeat(65_536)]) {
        const [row] = await db.query("echo", sql`SELECT ${text} AS text`);
        assertEquals(textIn(row, "text"), text);
      }
      const [row] = await db.query(
        "echo",
        sql`SELECT 12345678901234567890 AS big, ${2n ** 53n + 1n} AS odd, 7 AS small`,
      );
      assertEquals([textIn(row, "big"), textIn(row, "odd"), numberIn(row, "small")], [
        "12345678901234567890",
        "9007199254740993",
        7,
      ]);
      assertEquals((await db.query("none", sql`SELECT 1 FROM DUAL WHERE FALSE`)).length, 0);
      await assertRejects(() => db.query("two", sql`SELECT 1; SELECT 2`), ServerError, "1064");
    });
    await t.step("a session that is killed in the middle of a statement", async () => {
      await using db = await server.connect();
      await using killer = await server.connect();
      const [row] = await db.query("who am I", sql`SELECT CONNECTION_ID() AS id`);
      const sleeping = assertRejects(() => db.run("sleep", sql`DO SLEEP(60)`, { timeoutMs: 60_000 }), ClientError);
      await killer.run("kill", sql`KILL ${numberIn(row, "id")}`);
      const error = await sleeping;
      assert(error.name === "UnreachableError" && error.outcomeUnknown, error.message);
    });
    await t.step("a server that is killed, and one that hangs", async () => {
      const db = await server.connect();
      await server.kill();
      await assertRejects(() => db.query("look", sql`SELECT 1`), UnreachableError);
      await db.close();
      await assertRejects(() => server.connect(), UnreachableError);
      await server.start();
      await using hung = await server.connect();
      await server.pause();
      await assertRejects(() => hung.query("look", sql`SELECT 1`, { timeoutMs: 300 }), ClientTimeoutError);
      await assertRejects(() => server.connect(300), ClientTimeoutError);
      await server.resume();
      await server.waitUp();
    });
  },
});
