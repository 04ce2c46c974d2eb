/** What the other side sends is hostile: values, secrets, names. */
import { assert, assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { changedKeys, checkCredentials, USERS } from "../../interfaces/async_replication/credentials.ts";
import { isName, readAnswer, readOffer } from "../../interfaces/async_replication/keys.ts";

const GOOD = Object.fromEntries(USERS.map(({ key }, number) => [key, `password-${number}`]));
const HUGE = "x".repeat(1_000_000);
const HOSTILE = [
  "",
  " ",
  "-rf",
  "a b",
  "a'; DROP DATABASE shop; --",
  "../../etc/passwd",
  "a\nb",
  "a\u0000b",
  "ä",
  "`a`",
  "1abc",
  HUGE,
];

Deno.test("a name is 1 to 63 letters, digits, dots, hyphens and underscores", () => {
  for (const name of ["cluster-a", "_x", "A.b-c_1", "c".repeat(63)]) assert(isName(name), name);
  for (const name of [...HOSTILE, "c".repeat(64), "-a", ".a"]) assert(!isName(name), name.slice(0, 20));
});

Deno.test("values that cannot be used count as not set, and messages hold little of them", () => {
  for (const value of HOSTILE) {
    const reasons: string[] = [];
    const note = (reason: string) => void reasons.push(reason);
    const offer = readOffer(
      { "cluster-name": value, "secret-id": value.replace(/^[a1]/, "-"), "cluster-set-name": value },
      note,
    );
    assertEquals([offer.clusterName, offer.clusterSetName], [undefined, undefined]);
    const answer = readAnswer({ "cluster-name": value }, note);
    assertEquals([answer.clusterName, answer.endpoint, answer.nodeLabel], [undefined, undefined, undefined]);
    for (const reason of reasons) assert(reason.length < 200, `${reason.length} characters`);
    assertEquals(reasons.length > 0, value !== "");
  }
});

Deno.test("endpoints are hosts or addresses, with or without port", () => {
  const endpointOf = (endpoint: string) => readAnswer({ endpoint }).endpoint;
  const good = ["10.0.0.1", "10.0.0.1:3306", "db-0.db-endpoints.m.svc.cluster.local.", "[2001:db8::1]:3306", "db:1"];
  for (const endpoint of [...good, "2001:db8::1"]) assertEquals(endpointOf(endpoint), endpoint);
  const bad = ["10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:", "root@10.0.0.1", "10.0.0.1/24", "[::1", "a..b", "http://x"];
  for (const endpoint of [...bad, ...HOSTILE.filter((each) => each !== "1abc")]) {
    assertEquals(endpointOf(endpoint), undefined, endpoint.slice(0, 20));
  }
});

Deno.test("ids of secrets in every form that Juju gives are taken, options are not", () => {
  const idOf = (id: string) => readOffer({ "secret-id": id }).secretId;
  const id = "9m4e2mr0ui3e8a215n4g";
  const uuid = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
  for (const good of [id, `secret:${id}`, `secret://${uuid}/${id}`, `${uuid}/${id}`]) assertEquals(idOf(good), good);
  for (const bad of ["--refresh", "-h", "a b", "a\nb", "x".repeat(256)]) assertEquals(idOf(bad), undefined);
});

Deno.test("only replica-state=initialized says that the replica cluster is made", () => {
  const states = ["initialized", "Initialized", "true", "", undefined].map((state) =>
    readOffer(state === undefined ? {} : { "replica-state": state }).initialized
  );
  assertEquals(states, [true, false, false, false, false]);
});

Deno.test("a secret needs exactly the known passwords, and says what is wrong without a value", () => {
  assertEquals(checkCredentials(GOOD), { kind: "credentials", credentials: GOOD });
  const { "root-password": _, ...partial } = GOOD;
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{}, "it lacks root-password"],
    [partial, "it lacks root-password"],
    [{ ...GOOD, "proxy-password": "hidden-value" }, 'it has unknown keys ("proxy-password")'],
    [{ ...GOOD, "backups-password": "" }, "backups-password cannot be a password"],
    [{ ...GOOD, "backups-password": HUGE }, "backups-password cannot be a password"],
    [{ ...GOOD, "backups-password": "hidden\nvalue" }, "backups-password cannot be a password"],
    [Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`k${n}`, "hidden-value"])), "unknown keys"],
  ];
  for (const [content, expected] of cases) {
    const result = checkCredentials(content);
    assert(result.kind === "unusable", expected);
    assertStringIncludes(result.why, expected);
    assertNotMatch(result.why, /hidden|password-\d/);
    assert(result.why.length < 400, `${result.why.length} characters`);
  }
});

Deno.test("changed passwords are those that differ from the own copies", () => {
  assertEquals(changedKeys(GOOD, GOOD), []);
  assertEquals(changedKeys(GOOD, { ...GOOD, "backups-password": "new" }), ["backups-password"]);
  assertEquals(changedKeys({}, GOOD), USERS.map(({ key }) => key));
});
