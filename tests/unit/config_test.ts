import { assertEquals, assertThrows } from "@std/assert";
import { Config } from "../../hooks/config.ts";
import { DefinitionError, ValueError } from "../../hooks/errors.ts";
import { parseNetwork } from "../../hooks/network.ts";

const options = {
  port: { name: "port", type: "int", default: 80, description: "" },
  title: { name: "title", type: "string", description: "" },
  ratio: { name: "ratio", type: "float", description: "" },
  debug: { name: "debug", type: "boolean", description: "" },
  password: { name: "password", type: "secret", description: "" },
} as const;

Deno.test("options have their declared types; unset ones are undefined", () => {
  const config = new Config(options, { title: "x", ratio: 2, debug: false, password: "secret:abc", port: null });
  assertEquals(
    [config.number("port"), config.string("title"), config.number("ratio"), config.boolean("debug")],
    [80, "x", 2, false],
  );
  assertEquals(config.secret("password"), "secret:abc");
  assertEquals(new Config(options, {}).string("title"), undefined);
});

Deno.test("an option that is not declared, or of another type, is the author's mistake", () => {
  const config = new Config(options, { title: "x" });
  assertThrows(() => config.get("tile"), DefinitionError, 'declares no option "tile"');
  assertThrows(() => config.number("title"), DefinitionError, "declared as string");
  assertThrows(() => config.string("password"), DefinitionError, "declared as secret");
});

Deno.test("a value of another type than declared is refused", () => {
  assertThrows(() => new Config(options, { port: "80" }).number("port"), ValueError, "config option port is no int");
  assertThrows(() => new Config(options, { port: 1.5 }).number("port"), ValueError, "no int");
});

Deno.test("network-get replies of both spellings are read, and anything else is left out", () => {
  const network = parseNetwork({
    "bind-addresses": [
      { "interface-name": "eth0", "mac-address": "00:11", addresses: [{ value: "10.0.0.5", cidr: "10.0.0.0/24" }, 7] },
      { interfacename: "eth1", addresses: [{ address: "10.1.0.5" }, { value: "" }] },
      "nonsense",
    ],
    "ingress-addresses": ["1.2.3.4", 5, ""],
    "egress-subnets": "not a list",
  });
  assertEquals(network.interfaces.map(({ name }) => name), ["eth0", "eth1"]);
  assertEquals([network.bindAddress, network.ingressAddress], ["10.0.0.5", "1.2.3.4"]);
  assertEquals(network.interfaces[1]?.addresses.map(({ value }) => value), ["10.1.0.5"]);
  assertEquals(network.egressSubnets, []);
  assertEquals(parseNetwork({}).ingressAddress, undefined);
});
