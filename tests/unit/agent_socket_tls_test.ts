import { assertEquals, assertRejects } from "@std/assert";
import { AgentError } from "../../hooks/errors.ts";
import { connectAgent } from "../../hooks/juju/agent_socket.ts";
import type { JujuEnvironment } from "../../hooks/juju/environment.ts";
import { newTurn, serveConnection } from "../model/rpc_server.ts";
import { environment, printed, text } from "./agent_helpers.ts";

/** Certificates for nothing but this test; the agent's is for the application `app`. */
const CA_CERT = pem(
  "CERTIFICATE",
  `
MIIBYjCCAQmgAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDEw10ZXN0IGFnZW50IENBMCAXDTIwMDEwMTAwMDAwMFoYDzIx
MjAwMTAxMDAwMDAwWjAYMRYwFAYDVQQDEw10ZXN0IGFnZW50IENBMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAnltshqViSU
2rGsEaz1ONMltO+dlNwh58gHW3/QdAdNrK6G6vt08PgHv1v0PL70ryhdU3tBvGLhXcGasKCjMqNCMEAwDgYDVR0PAQH/BAQDAgIE
MA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0OBBYEFA5HqdWws4fwsB0pcClYj7NORD1tMAoGCCqGSM49BAMCA0cAMEQCIDcL1RP2Vgi9
U6vhKYVSgDWudck/r3aa6JCRAliAP7qDAiAvWY5YeQo1pD3DWajngkQ6rOoNx1+zYd1SyVi2r3vKcQ==`,
);
const AGENT_CERT = pem(
  "CERTIFICATE",
  `
MIIBTjCB9KADAgECAgECMAoGCCqGSM49BAMCMBgxFjAUBgNVBAMTDXRlc3QgYWdlbnQgQ0EwIBcNMjAwMTAxMDAwMDAwWhgPMjEy
MDAxMDEwMDAwMDBaMA4xDDAKBgNVBAMTA2FwcDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABML2SDLU/Di3NRggpWzFxyRlvVm8
DYQStRrnFVkXREs9hOV32bHTwiVwo4DfLdQSRnHlDdyuqIMeU2blZ+D9nXSjNzA1MA4GA1UdDwEB/wQEAwIHgDATBgNVHSUEDDAK
BggrBgEFBQcDATAOBgNVHREEBzAFggNhcHAwCgYIKoZIzj0EAwIDSQAwRgIhANxV9JUwjKiztHpPCvoyIxVmLN27oe7hTT3TT2+K
bhs2AiEAhWZt5Ss8oqotHMdXLwgDvQ2J2Ds2WTERpeMzWYpkZUk=`,
);
const AGENT_KEY = pem(
  "PRIVATE KEY",
  `
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg80pgMYwAWse9ssQU1tNs0WXJjlRgz+mnq8MnGhtUcPyhRANCAATC
9kgy1Pw4tzUYIKVsxcckZb1ZvA2EErUa5xVZF0RLPYTld9mx08IlcKOA3y3UEkZx5Q3crqiDHlNm5Wfg/Z10`,
);

function pem(label: string, base64: string): string {
  return `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;
}

async function withTlsAgent(unit: string, ca: string, test: (env: JujuEnvironment) => Promise<void>): Promise<void> {
  const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: AGENT_CERT, key: AGENT_KEY });
  const tokens: string[] = [];
  const serving = (async () => {
    const stream = await listener.accept();
    await serveConnection(stream, ({ token }) => (tokens.push(token), printed("ok")), newTurn());
  })();
  const caFile = await Deno.makeTempFile({ suffix: ".crt" });
  await Deno.writeTextFile(caFile, ca);
  const address = `127.0.0.1:${listener.addr.port}`;
  try {
    await test(environment(address, {
      JUJU_AGENT_SOCKET_NETWORK: "tcp",
      JUJU_AGENT_CA_CERT: caFile,
      JUJU_AGENT_TOKEN: "tok3n",
      JUJU_UNIT_NAME: unit,
    }));
    await serving;
    assertEquals(tokens.every((token) => token === "tok3n"), true);
  } finally {
    listener.close();
    await Deno.remove(caFile);
  }
}

Deno.test("TLS over TCP: the certificate names the application, the token goes with each call", async () => {
  await withTlsAgent("app/3", CA_CERT, async (env) => {
    const agent = await connectAgent(env);
    const got = await Promise.all([agent.run("is-leader", []), agent.run("is-leader", [])]);
    assertEquals(got.map(({ stdout }) => text(stdout)), ["ok", "ok"]);
    agent.close();
  });
});

Deno.test("TLS over TCP: the certificate of another application, and a file that holds none", async () => {
  await withTlsAgent("other/0", CA_CERT, async (env) => {
    const error = await assertRejects(() => connectAgent(env), AgentError, "cannot reach the unit agent at tcp");
    assertEquals(error.message.includes("tok3n"), false);
  });
  await withTlsAgent("app/0", "no certificate", async (env) => {
    await assertRejects(() => connectAgent(env), AgentError, "cannot reach the unit agent at tcp");
  });
});
