/** What looks for secrets after each test with units finds one in every place in which it says that it looks. */
import {
  assert,
  assertArrayIncludes,
  assertEquals,
  AssertionError,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "node:path";
import { type Lab, openLab } from "../real/units.ts";
import { assertFilesAreClosed, assertNoSecretShows, findSecrets } from "../real/units_canaries.ts";

const UNIT = "probe/0";

/** Puts a secret into a place. */
type Plant = (lab: Lab, secret: string) => Promise<unknown>;

/** Lets Juju run a script in the place of a hook or action, which finds the secret in `$LEAK`. */
function instead(script: string, run: (lab: Lab) => Promise<unknown>): Plant {
  return async (lab, secret) => {
    lab.intercept = () => ["env", `LEAK=${secret}`, "sh", "-c", script];
    await run(lab);
    lab.intercept = undefined;
  };
}

function exec(script: string): Plant {
  return async ({ model }, secret) => {
    assertEquals((await model.exec(UNIT, `LEAK=${secret}; ${script}`)).code, 0);
  };
}

/** Starts a program, and waits until the watch has seen it. */
function start(seen: "commandLines" | "environments", options: (secret: string) => Deno.CommandOptions): Plant {
  return async (lab, secret) => {
    const child = new Deno.Command("sh", { ...options(secret), stdin: "piped" }).spawn();
    await lab.waitFor("the program to be seen", () => [...lab.watch[seen]].some((text) => text.includes(secret)));
    await child.stdin.close();
    await child.status;
  };
}

function file(pathIn: (lab: Lab) => string, mode: number): Plant {
  return async (lab, secret) => {
    const path = pathIn(lab);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(path, `password=${secret}\n`);
    await Deno.chmod(path, mode);
  };
}

/** Each place in the words of the check, and how a secret gets there. */
const PLACES: readonly (readonly [string, string, Plant])[] = [
  ["a log line", "the log of probe/0", exec('juju-log "$LEAK"')],
  [
    "a hook's error",
    "the log of probe/0",
    instead('echo "error: $LEAK" >&2', async ({ model }) => {
      model.updateStatus();
      await model.settle();
    }),
  ],
  ["a status", "a status or state", exec('status-set active "$LEAK"')],
  ["a status before another one", "the timeline", exec('status-set active "$LEAK"; status-set active')],
  ["the stored state", "a status or state", exec('state-set "x=$LEAK"')],
  ["results", "results of an action", instead('action-set "x=$LEAK"', ({ model }) => model.run(UNIT, "spawn"))],
  [
    "the error of an action",
    "results of an action",
    instead('action-fail "$LEAK"', ({ model }) => model.run(UNIT, "half")),
  ],
  ["a command line", "a command line", start("commandLines", (secret) => ({ args: ["-c", "read line", secret] }))],
  [
    "an environment",
    "the environment of a program",
    start("environments", (secret) => ({ args: ["-c", "read line"], env: { LEAK: secret } })),
  ],
  [
    "an open file of a unit",
    ", which everybody can read",
    file((lab) => join(lab.dataDirectory, "probe-0/open"), 0o644),
  ],
  ["a file of the charm", "leaked.yaml", file((lab) => join(lab.model.charmDir(UNIT), "leaked.yaml"), 0o600)],
];

Deno.test("a secret is found wherever it shows", async (t) => {
  await using lab = await openLab({ server: "none" });
  await lab.deploy({ charm: "probe", keepsNothing: true });
  await lab.model.settle();
  const planted = PLACES.map((place) => [crypto.randomUUID(), ...place] as const);
  await assertNoSecretShows(lab, planted.map(([secret]) => secret));
  for (const [secret, what, place, plant] of planted) {
    await t.step(what, async () => {
      await plant(lab, secret);
      const error = await assertRejects(() => assertNoSecretShows(lab, [secret]), AssertionError, "a secret shows");
      assertStringIncludes(error.message, place);
    });
  }
  await t.step("a temporary file below old directories", async () => {
    const [secret, temporary] = [crypto.randomUUID(), await Deno.makeTempDir({ prefix: "sweep-" })];
    try {
      await file(() => join(temporary, "one/two/leaked"), 0o600)(lab, secret);
      for (const path of ["one/two", "one", ""]) await Deno.utime(join(temporary, path), 1, 1);
      const error = await assertRejects(() => assertNoSecretShows(lab, [secret]), AssertionError, "a secret shows");
      assertStringIncludes(error.message, join(temporary, "one/two/leaked"));
    } finally {
      await Deno.remove(temporary, { recursive: true });
    }
  });
  await t.step("the memory of a program, whatever is in it", async () => {
    await file((lab) => join(lab.dataDirectory, "probe-0/core.4711"), 0o600)(lab, "");
    await assertRejects(() => assertNoSecretShows(lab, []), AssertionError, "a program has left its memory");
  });
});

Deno.test("what is secret is known: Juju's secrets, databags where it has none, keys in databags and files", async () => {
  await using lab = await openLab({ server: "none" });
  await lab.deploy({ charm: "probe", keepsNothing: true });
  await lab.model.settle();
  const key = (body: string) => `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`;
  const [token, password, inBag, inFile] = Array.from({ length: 4 }, () => crypto.randomUUID().replaceAll("-", ""));
  const [relation] = Object.values(lab.model.world.relations);
  assert(token && password && inBag && inFile && relation);
  await exec("secret-add token=$LEAK")(lab, token);
  relation.appBags.probe = { "root-password": password, identity: JSON.stringify({ key: key(inBag) }) };
  await file((lab) => join(lab.dataDirectory, "probe-0/key.pem"), 0o600)(lab, key(inFile));
  assertArrayIncludes(await findSecrets(lab), [token, password, inBag, inFile]);
});

Deno.test("files that are open to others are found", async () => {
  await using lab = await openLab({ server: "none" });
  const [secret, directory] = [crypto.randomUUID(), join(lab.dataDirectory, "probe-0")];
  lab.secrets.add(secret);
  await assertRejects(() => assertFilesAreClosed(lab), AssertionError, "no file holds a secret");
  await file(() => join(directory, "secret"), 0o600)(lab, secret);
  await assertFilesAreClosed(lab);
  for (const [name, mode] of [["secret", 0o640], ["other", 0o602]] as const) {
    await Deno.writeTextFile(join(directory, name), name === "secret" ? secret : "");
    await Deno.chmod(join(directory, name), mode);
    await assertRejects(() => assertFilesAreClosed(lab), AssertionError, `${name} ${mode.toString(8)}`);
    await Deno.chmod(join(directory, name), 0o600);
  }
  await Deno.chmod(directory, 0o770);
  await assertRejects(() => assertFilesAreClosed(lab), AssertionError, "owner and mode of probe-0");
});
