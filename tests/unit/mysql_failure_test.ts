import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { ClientError, InputError } from "../../interfaces/clients/errors.ts";
import { ServerError } from "../../interfaces/clients/mysql/errors.ts";
import { explainFailure } from "../../interfaces/clients/mysql/failure.ts";

const CIRCUMSTANCES = { endpoint: "10.0.0.1:3306", operation: "create the user", timeoutMs: 5000 };
const SECRET = "near 'hunter2' at line 1";

function explain(fields: Record<string, unknown>): Error {
  return explainFailure(
    Object.assign(new Error(SECRET), { sqlMessage: SECRET, sql: SECRET, ...fields }),
    CIRCUMSTANCES,
  );
}

Deno.test("mysql errors: kinds by number", () => {
  for (
    const [errno, name] of [
      [1045, "AuthenticationError"],
      [1698, "AuthenticationError"],
      [1227, "NotPermittedError"],
      [1142, "NotPermittedError"],
      [1290, "ReadOnlyError"],
      [1836, "ReadOnlyError"],
      [3092, "GroupRefusedError"],
      [3910, "GroupRefusedError"],
      [1146, "MissingError"],
      [1040, "UnreachableError"],
      [1053, "UnreachableError"],
      [1205, "ClientTimeoutError"],
      [1064, "ServerError"],
      [1062, "ServerError"],
      [3862, "ServerError"],
      [99_999, "ServerError"],
    ] as const
  ) {
    const error = explain({ errno, code: "ER_SOMETHING" });
    assertEquals(error.name, name, `${errno}`);
    if (error instanceof ServerError) assertEquals([error.number, error.operation], [errno, "create the user"]);
  }
});

Deno.test("mysql errors: kinds of lost, missing and foreign servers", () => {
  for (
    const [fields, name] of [
      [{ code: "ECONNREFUSED", errno: -111 }, "UnreachableError"],
      [{ code: "ENOENT", errno: -2 }, "UnreachableError"],
      [{ code: "ECONNRESET" }, "UnreachableError"],
      [{ code: "EPIPE" }, "UnreachableError"],
      [{ code: "PROTOCOL_CONNECTION_LOST" }, "UnreachableError"],
      [{ message: "Can't add new command when connection is in closed state" }, "UnreachableError"],
      [{ code: "EWHATEVER" }, "UnreachableError"],
      [{ code: "ETIMEDOUT" }, "ClientTimeoutError"],
      [{ code: "HANDSHAKE_NO_SSL_SUPPORT" }, "CertificateError"],
      [{ code: "UNKNOWN", errno: -4094 }, "CertificateError"],
      [{ message: "invalid peer certificate: UnknownIssuer" }, "CertificateError"],
      [{ code: "PROTOCOL_UNEXPECTED_PACKET" }, "ReplyError"],
      [{}, "ReplyError"],
      [{ errno: 7 }, "ReplyError"],
      [{ errno: "1045" }, "ReplyError"],
    ] as const
  ) assertEquals(explain(fields).name, name, JSON.stringify(fields));
});

Deno.test("mysql errors: no message has text of the server, each is one line", () => {
  for (let errno = 1000; errno < 4100; errno++) {
    const error = explain({ errno, code: "ER_X" });
    assertInstanceOf(error, ClientError);
    assert(!Deno.inspect(error).includes("hunter2"), Deno.inspect(error));
    assert(!error.message.includes("\n"));
  }
  for (const code of ["ECONNRESET", "X", "HANDSHAKE_NO_SSL_SUPPORT", undefined]) {
    assert(!Deno.inspect(explain({ code })).includes("hunter2"));
  }
});

Deno.test("mysql errors: ours and missing permissions stay as they are", () => {
  for (const error of [new InputError("x"), new Deno.errors.NotCapable("x")]) {
    assertEquals(explainFailure(error, CIRCUMSTANCES), error);
  }
});
