/** The PostgreSQL client's parts that need no PostgreSQL: verifiers, quoting, and servers that are not what they should be. */
import { assert, assertEquals, assertInstanceOf, assertNotMatch, assertRejects, assertThrows } from "@std/assert";
import { openPostgres, type PostgresPlace } from "../../interfaces/clients/postgresql/client.ts";
import { explainFailure } from "../../interfaces/clients/postgresql/failure.ts";
import { quoteName, quoteText } from "../../interfaces/clients/postgresql/quote.ts";
import { scramVerifier } from "../../interfaces/clients/postgresql/scram.ts";
import {
  AuthenticationError,
  CertificateError,
  ClientError,
  ClientTimeoutError,
  InputError,
  MissingError,
  NotPermittedError,
  RefusedError,
  ReplyError,
  UnreachableError,
} from "../../interfaces/clients/errors.ts";

Deno.test("a verifier is what PostgreSQL makes of the password of RFC 7677", async () => {
  const salt = Uint8Array.fromBase64("W22ZaJ0SNY7soEsUEjb6gQ==");
  assertEquals(
    await scramVerifier("pencil", salt),
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" +
      "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
  );
  assert(await scramVerifier("pencil") !== await scramVerifier("pencil"), "each has a salt of its own");
  for (const wrong of ["", "grün", "two\nlines", "zero\0", "x".repeat(257)]) {
    await assertRejects(() => scramVerifier(wrong), InputError);
  }
});

Deno.test("names and texts stay what they are inside SQL", () => {
  assertEquals(quoteName('a"; DROP ROLE x; --'), '"a""; DROP ROLE x; --"');
  assertEquals(quoteText("it's \\ here"), "E'it''s \\\\ here'");
  for (const wrong of ["", "a\0b", "x".repeat(64), "ü".repeat(32)]) assertThrows(() => quoteName(wrong), InputError);
  assertThrows(() => quoteText("a\0b"), InputError);
});

Deno.test("what the driver throws becomes an error of ours, without the server's words", () => {
  type Kind = abstract new (...args: never[]) => ClientError;
  const cases: [string, string, Kind][] = [
    ["28P01", "password authentication failed", AuthenticationError],
    ["28000", "no pg_hba.conf entry", AuthenticationError],
    ["42501", "permission denied", NotPermittedError],
    ["42704", "role does not exist", MissingError],
    ["3D000", "database does not exist", MissingError],
    ["57P03", "the database system is starting up", UnreachableError],
    ["53300", "sorry, too many clients already", UnreachableError],
    ["57014", "canceling statement due to statement timeout", ClientTimeoutError],
    ["25006", "cannot execute ALTER ROLE in a read-only transaction", RefusedError],
    ["XX000", "something", RefusedError],
    ["ECONNREFUSED", "connect ECONNREFUSED", UnreachableError],
    ["ENOENT", "connect ENOENT", UnreachableError],
    ["CONNECT_TIMEOUT", "write CONNECT_TIMEOUT", ClientTimeoutError],
    ["CONNECTION_CLOSED", "write CONNECTION_CLOSED", UnreachableError],
    ["", "invalid peer certificate: UnknownIssuer", CertificateError],
    ["SASL_SIGNATURE_MISMATCH", "The server did not return the correct signature", ReplyError],
  ];
  for (const [code, words, kind] of cases) {
    const thrown = Object.assign(new Error(`${words} s3cret`), { code });
    const error = explainFailure(thrown, { endpoint: "10.0.0.1:5432", timeoutMs: 100 });
    assertInstanceOf(error, kind, code);
    assertNotMatch(error.message, /s3cret/);
    assertEquals(error.cause, undefined);
  }
});

Deno.test("places that cannot be used are refused before the driver is loaded", async () => {
  const places: PostgresPlace[] = [
    { host: "", port: 5432 },
    { host: "a b", port: 5432 },
    { host: "10.0.0.1", port: 0 },
    { host: "10.0.0.1", port: 5432, ca: "no PEM" },
    { socketDirectory: "run", port: 5432 },
    { socketDirectory: `/${"x".repeat(100)}`, port: 5432 },
  ];
  for (const at of places) await assertRejects(() => openPostgres({ at, user: "app" }), InputError);
});

/** A listener that does something with each connection, while a function runs. */
async function withListener(
  meet: (connection: Deno.TcpConn) => Promise<void>,
  run: (port: number) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const done = (async () => {
    for await (const connection of listener) {
      await meet(connection);
      connection.close();
    }
  })();
  try {
    await run(listener.addr.port);
  } finally {
    listener.close();
    await done;
  }
}

Deno.test("servers that are no PostgreSQL, close or say nothing end in an error within the time", async () => {
  const drain = async (connection: Deno.TcpConn): Promise<void> => {
    await connection.read(new Uint8Array(4096));
  };
  const http = async (connection: Deno.TcpConn): Promise<void> => {
    await drain(connection);
    await connection.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
  };
  const silent = async (connection: Deno.TcpConn): Promise<void> => {
    await connection.readable.pipeTo(new WritableStream()).catch(() => {});
  };
  for (const meet of [drain, http]) {
    await withListener(meet, async (port) => {
      await using server = await openPostgres({
        at: { host: "127.0.0.1", port },
        user: "app",
        password: "s3cret",
        timeoutMs: 1000,
      });
      const error = await assertRejects(() => server.inRecovery(), ClientError);
      assertNotMatch(error.message, /s3cret/);
    });
  }
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await using nobody = await openPostgres({ at: { host: "127.0.0.1", port }, user: "app" });
  await assertRejects(() => nobody.sslEnabled(), UnreachableError, "connection refused");
  await using nowhere = await openPostgres({ at: { socketDirectory: "/nonexistent", port: 5432 }, user: "app" });
  await assertRejects(() => nowhere.sslEnabled(), UnreachableError, "its socket is not there");
  const quiet = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const met = quiet.accept();
  {
    const at = { host: "127.0.0.1", port: quiet.addr.port };
    await using server = await openPostgres({ at, user: "app", timeoutMs: 200 });
    await assertRejects(() => server.sslEnabled(), ClientTimeoutError, "no answer within 200 ms");
  }
  await silent(await met);
  quiet.close();
});
