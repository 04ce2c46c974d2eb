/**
 * Parameters of actions.
 *
 * @module
 */
import fc from "fast-check";
import { ActionParams } from "../../hooks/action_params.ts";
import type { ActionSpec } from "../../hooks/charm/metadata.ts";
import { parseCharm } from "../../hooks/charm/parse.ts";
import { isRecord } from "../../hooks/juju/shape.ts";
import { charmSources } from "./charm_files.ts";
import { attempt, Breach, type Surface, surface, type Verdict } from "./surface.ts";
import { damagedJson, jsonValues, secretTexts } from "./values.ts";

/** Parts of schemas that our charms do not use, and others do. */
const STRANGER: ActionSpec = {
  name: "strange",
  description: "",
  params: {
    list: { type: "array", items: { type: "integer", minimum: 0, maximum: 9 } },
    choice: { enum: ["a", 1, null], default: "a" },
    either: { type: ["string", "null"], pattern: "^[a-z]+$", minLength: 2, maxLength: 5 },
    loose: {},
    nested: { type: "object" },
    goPattern: { type: "string", pattern: "(?i)^x\\z" },
  },
  required: ["list", "constructor"],
  additionalProperties: false,
};

interface Given {
  readonly spec: ActionSpec;
  readonly values: Readonly<Record<string, unknown>>;
}

function given(): fc.Arbitrary<Given> {
  const specs = [
    STRANGER,
    ...charmSources().flatMap((sources) => Object.values(parseCharm("/charm", sources).actions)),
  ];
  const damaged = fc.constantFrom(...specs).chain((spec) =>
    damagedJson(fc.constant(spec.params)).map((params) => ({ ...spec, params: isRecord(params) ? params : {} }))
  );
  return fc.oneof(fc.constantFrom(...specs), damaged).chain((spec) => {
    const good = { ...Object.fromEntries(Object.entries(spec.params).map(([name, schema]) => [name, sample(schema)])) };
    const values = damagedJson(fc.constant(good), fc.oneof(jsonValues(), secretTexts()));
    return values.map((each) => ({ spec, values: isRecord(each) ? each : {} }));
  });
}

function sample(schema: unknown): unknown {
  const { type, default: fallback, enum: choices } = isRecord(schema) ? schema : {};
  if (fallback !== undefined) return fallback;
  if (Array.isArray(choices)) return choices[0];
  const samples: ReadonlyMap<unknown, unknown> = new Map<unknown, unknown>([
    ["integer", 3],
    ["number", 1.5],
    ["boolean", true],
    ["array", [1, 2]],
    ["object", {}],
  ]);
  return samples.get(type) ?? "abc";
}

async function check({ spec, values }: Given): Promise<Verdict> {
  const made = await attempt(() => new ActionParams(spec, values));
  if (made.verdict === "refused") return "refused";
  const params = made.value;
  const missing = spec.required.filter((name) => !Object.hasOwn(values, name));
  const unknown = Object.keys(values).filter((name) => !Object.hasOwn(spec.params, name));
  if (missing.length > 0) throw new Breach(`${missing.join()} is required and was not missed`);
  if (unknown.length > 0 && !spec.additionalProperties) throw new Breach(`${unknown.join()} is unknown and was taken`);
  await Promise.all(
    Object.keys(spec.params).flatMap((name) => [
      attempt(() => params.get(name)),
      attempt(() => params.string(name)),
      attempt(() => params.number(name)),
      attempt(() => params.boolean(name)),
    ]),
  );
  return "taken";
}

/** The surfaces. */
export const ACTION_SURFACES: readonly Surface[] = [surface("parameters of actions", given, check)];
