import { assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import { connectAgent } from "../../hooks/juju/agent_socket.ts";
import { type AgentHandler, type AgentRequest, RpcError, serveAgent, StdinRequiredError } from "../model/rpc_server.ts";
import {
  abstractAddress,
  assertAgentError,
  bytes,
  CONTEXT_ID,
  echo,
  environment,
  printed,
  text,
  untilClosed,
  withAgent,
  withPeer,
} from "./agent_helpers.ts";

Deno.test("a hook command over an abstract socket carries everything that the agent asks for", async () => {
  const seen: AgentRequest[] = [];
  const handle: AgentHandler = (request) => {
    seen.push(request);
    return { code: 2, stdout: bytes("out"), stderr: bytes("ERROR no\n") };
  };
  await withAgent(handle, async (agent) => {
    const reply = await agent.run("relation-get", ["--format=json", "-", "", "grüße ✓ 🚀"]);
    assertEquals([reply.code, text(reply.stdout), text(reply.stderr)], [2, "out", "ERROR no\n"]);
  });
  assertEquals(seen, [{
    contextId: CONTEXT_ID,
    dir: "/charm",
    command: "relation-get",
    args: ["--format=json", "-", "", "grüße ✓ 🚀"],
    stdinSet: false,
    stdin: new Uint8Array(),
    token: "",
  }]);
});

Deno.test("a socket file works, has mode 0700 and goes away", async () => {
  const dir = await Deno.makeTempDir();
  const address = `${dir}/agent.socket`;
  const server = serveAgent({ network: "unix", address, handle: ({ dir }) => printed(dir) });
  const { mode } = await Deno.stat(address);
  assertEquals((mode ?? 0) & 0o777, 0o700);
  const agent = await connectAgent(environment(address), { cwd: "/elsewhere" });
  assertEquals(text((await agent.run("config-get", [])).stdout), "/elsewhere");
  agent.close();
  await server.close();
  await assertAgentError(connectAgent(environment(address)), "cannot reach the unit agent at unix", "juju exec");
  assertEquals([...Deno.readDirSync(dir)], []);
  await Deno.remove(dir);
});

Deno.test("100 pipelined calls get their own replies and run one at a time", async () => {
  let running = 0;
  let most = 0;
  const handle: AgentHandler = async (request) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    return echo(request);
  };
  await withAgent(handle, async (agent) => {
    const calls = Array.from({ length: 100 }, (_, index) => agent.run("relation-get", [`${index}`]));
    const got = (await Promise.all(calls)).map(({ stdout }) => text(stdout));
    assertEquals(got, calls.map((_, index) => `relation-get ${index}\n`));
    assertEquals(most, 1);
  });
});

Deno.test("calls issued together leave in few writes", async () => {
  const sizes: number[] = [];
  const address = abstractAddress();
  const listener = Deno.listen({ transport: "unix", path: `\0${address.slice(1)}` });
  const peer = (async () => {
    const stream = await listener.accept();
    const buffer = new Uint8Array(1_000_000);
    for (let size = await stream.read(buffer); size !== null; size = await stream.read(buffer)) sizes.push(size);
    stream.close();
  })();
  const agent = await connectAgent(environment(address));
  const calls = Promise.allSettled(Array.from({ length: 100 }, () => agent.run("is-leader", [])));
  // The first write holds them all; closing waits for a turn in which it can happen.
  await new Promise((resolve) => setTimeout(resolve));
  agent.close();
  await Promise.all([calls, peer]);
  listener.close();
  assertGreaterOrEqual(sizes[0] ?? 0, 100 * CONTEXT_ID.length);
  assertLessOrEqual(sizes.length, 2);
});

Deno.test("two connections take turns", async () => {
  const address = abstractAddress();
  const server = serveAgent({ network: "unix", address, handle: echo });
  const agents = await Promise.all([connectAgent(environment(address)), connectAgent(environment(address))]);
  const got = await Promise.all(agents.flatMap((agent, index) => [agent.run("a", [`${index}`]), agent.run("b", [])]));
  assertEquals(got.map(({ stdout }) => text(stdout)), ["a 0\n", "b\n", "a 1\n", "b\n"]);
  agents.forEach((agent) => agent.close());
  await server.close();
});

Deno.test("standard input goes with the first call, empty too", async () => {
  const handle: AgentHandler = ({ stdinSet, stdin }) => {
    if (!stdinSet) throw new StdinRequiredError();
    return printed(`${stdin.length}:${text(stdin)}`);
  };
  await withAgent(handle, async (agent) => {
    assertEquals(text((await agent.run("relation-set", ["--file", "-"], bytes("a: b\n"))).stdout), "5:a: b\n");
    assertEquals(text((await agent.run("state-set", ["--file", "-"], new Uint8Array())).stdout), "0:");
    await assertAgentError(agent.run("state-set", ["--file", "-"]), "state-set reads its standard input");
    assertEquals(text((await agent.run("state-set", ["--file", "-"], bytes("x"))).stdout), "1:x");
  });
});

Deno.test("a refusal looks as Juju's own client prints it, and the connection goes on", async () => {
  const handle: AgentHandler = (request) => {
    if (request.command === "nope") throw new RpcError("bad request: unknown command: nope");
    return echo(request);
  };
  await withAgent(handle, async (agent) => {
    const [refused, ok] = await Promise.all([agent.run("nope", []), agent.run("is-leader", [])]);
    assertEquals([refused.code, text(refused.stdout)], [1, ""]);
    assertEquals(text(refused.stderr), "ERROR bad request: unknown command: nope\n");
    assertEquals([ok.code, text(ok.stdout)], [0, "is-leader\n"]);
  });
});

Deno.test("1 MB and more in both directions", async () => {
  const large = new Uint8Array(3_000_000).map((_, index) => index % 253);
  await withAgent(({ stdin }) => ({ code: 0, stdout: stdin, stderr: new Uint8Array() }), async (agent) => {
    const got = await Promise.all([1, 2, 3].map(() => agent.run("relation-set", ["--file", "-"], large)));
    for (const { stdout } of got) assertEquals(stdout, large);
  });
});

Deno.test("closing fails what is under way, and closing twice is harmless", async () => {
  await withPeer(untilClosed, async (agent) => {
    const call = agent.run("a", []);
    agent.close();
    agent.close();
    await assertAgentError(call, "closed while the hook ended");
    await assertAgentError(agent.run("b", []), "closed while the hook ended");
  });
});

Deno.test("an address that nobody serves, none at all, and a network that does not exist", async () => {
  await assertAgentError(connectAgent(environment(abstractAddress())), "cannot reach the unit agent at unix @/");
  await assertAgentError(connectAgent(environment("")), "JUJU_AGENT_SOCKET_ADDRESS is not set");
  const carrier = environment("@/x", { JUJU_AGENT_SOCKET_NETWORK: "pigeon" });
  await assertAgentError(connectAgent(carrier), 'JUJU_AGENT_SOCKET_NETWORK is "pigeon"');
});

Deno.test("a client that speaks garbage loses its connection, others go on", async () => {
  const address = abstractAddress();
  const server = serveAgent({ network: "unix", address, handle: echo });
  const stranger = await Deno.connect({ transport: "unix", path: `\0${address.slice(1)}` });
  await stranger.write(bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(10)));
  assertEquals(await stranger.read(new Uint8Array(10)).catch(() => null), null);
  stranger.close();
  const agent = await connectAgent(environment(address));
  assertEquals(text((await agent.run("is-leader", [])).stdout), "is-leader\n");
  agent.close();
  await server.close();
});
