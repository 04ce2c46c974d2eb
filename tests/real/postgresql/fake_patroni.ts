/**
 * Something on Patroni's port that is no Patroni.
 *
 * @module
 */

/** What it answers to whatever it is asked; what it was asked is in there, as some web servers do it. */
const ANSWERS = {
  html: (request: string) => reply("200 OK", "text/html", `<html><body><h1>It works!</h1><pre>${request}</pre></body>`),
  unauthorized: (request: string) => reply("401 Unauthorized", "text/html", `not authenticated: ${request}`),
  conflict: (request: string) => reply("409 Conflict", "text/html", `conflict: ${request}`),
  "half a body": () => reply("200 OK", "application/json", '{"state": "running", "members": [{"na', 1000),
  nothing: () => undefined,
} as const;

/** The ways in which it answers. */
export const ANSWER_KINDS = Object.keys(ANSWERS) as readonly (keyof typeof ANSWERS)[];

/** A server that runs until it is disposed of. */
export interface FakePatroni extends AsyncDisposable {
  /** How it answers from now on. */
  answer: keyof typeof ANSWERS;
  /** How often it was asked. */
  readonly requests: number;
}

/** Listens where a unit's Patroni would; that one must not run. */
export function startFakePatroni(hostname: string, port: number): FakePatroni {
  const listener = Deno.listen({ hostname, port });
  const open = new Set<Deno.Conn>();
  let requests = 0;
  const serve = async (connection: Deno.Conn): Promise<void> => {
    const buffer = new Uint8Array(64 * 1024);
    for (;;) {
      const length = await connection.read(buffer);
      if (length === null) return;
      requests++;
      const text = ANSWERS[fake.answer](new TextDecoder().decode(buffer.subarray(0, length)));
      // Without an answer the connection stays open until who asks has had enough.
      if (text === undefined) continue;
      await connection.write(new TextEncoder().encode(text));
      return;
    }
  };
  const fake: FakePatroni = {
    answer: "html",
    get requests() {
      return requests;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) {
        if (open.delete(connection)) connection.close();
      }
      await accepting;
    },
  };
  const accepting = (async () => {
    for await (const connection of listener) {
      open.add(connection);
      // Who asks may go at any time.
      serve(connection).catch(() => {}).finally(() => {
        if (open.delete(connection)) connection.close();
      });
    }
  })();
  return fake;
}

function reply(status: string, type: string, body: string, length = new TextEncoder().encode(body).length): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${body}`;
}
