/**
 * secret-grant and secret-revoke. Source: contract section 6.2.
 *
 * @module
 */
import { goQuote } from "../go_flags.ts";
import {
  checkEmpty,
  type CommandCall,
  type CommandDefinition,
  type CommandResult,
  RunError,
  UsageError,
} from "./definition.ts";
import { isApplicationName, isUnitName } from "./names.ts";
import { chosenRelation, relationFlag } from "./relation.ts";
import { applicationOf } from "./relation_view.ts";
import { parseSecretUri } from "./secret_content.ts";
import { checkMayManage, ownedSecrets } from "./secret_view.ts";

function secretGrant(call: CommandCall): CommandResult {
  const { run, args, flags } = call;
  const [uri] = args;
  if (uri === undefined) throw new UsageError("missing secret URI");
  const id = parseSecretUri(uri);
  const view = chosenRelation(call);
  if (!view) throw new UsageError("no relation id specified");
  const unit = flags.get("unit") || undefined;
  if (unit !== undefined) {
    if (!isUnitName(unit)) throw new UsageError(`unit ${goQuote(unit)} not valid`);
    if (applicationOf(unit) !== view.remoteApp) {
      throw new UsageError(
        `cannot specify unit ${goQuote(unit)} in relation to application ${goQuote(view.remoteApp)}`,
      );
    }
  }
  checkEmpty(args.slice(1));

  const secret = ownedSecrets(run).find((owned) => owned.id === id);
  if (!secret) throw new RunError(`secret ${goQuote(id)} not found`);
  checkMayManage(run, id);
  const held = granteesIn(call, id, view.id);
  if (held.includes(view.remoteApp) || (unit !== undefined && held.includes(unit))) return {};
  if (unit === undefined && held.length > 0) {
    throw new RunError(
      "any unit level grants need to be revoked before granting access to the corresponding application",
    );
  }
  run.secretGrants.push({
    id,
    application: view.remoteApp,
    ...(unit === undefined ? {} : { unit }),
    relationId: view.id,
    relationKey: view.key,
  });
  return {};
}

/** Who may read the secret through the relation, with the hook's pending grants and revocations. */
function granteesIn({ run }: CommandCall, id: string, relationId: number): string[] {
  const revoked = run.secretRevokes.filter((revoke) => revoke.id === id)
    .map((revoke) => revoke.unit ?? revoke.application);
  const committed = (run.world.secrets[id]?.grants ?? []).filter((grant) => grant.relationId === relationId)
    .map((grant) => grant.grantee).filter((grantee) => !revoked.includes(grantee));
  const pending = run.secretGrants.filter((grant) => grant.id === id && grant.relationId === relationId)
    .map((grant) => grant.unit ?? grant.application ?? "");
  return [...committed, ...pending];
}

function secretRevoke(call: CommandCall): CommandResult {
  const { run, args, flags } = call;
  const [uri] = args;
  if (uri === undefined) throw new UsageError("missing secret URI");
  const id = parseSecretUri(uri);
  const app = flags.get("app") || undefined;
  const unit = flags.get("unit") || undefined;
  if (app !== undefined && !isApplicationName(app)) throw new UsageError(`application ${goQuote(app)} not valid`);
  if (unit !== undefined && !isUnitName(unit)) throw new UsageError(`unit ${goQuote(unit)} not valid`);
  if (app !== undefined && unit !== undefined) throw new UsageError("specify only one of application or unit");
  const view = chosenRelation(call);
  if (view && app !== undefined) throw new UsageError("do not specify both relation and app");
  const application = view?.remoteApp ?? app;
  if (application === undefined && unit === undefined) {
    throw new UsageError("missing relation or application or unit");
  }
  checkEmpty(args.slice(1));

  checkMayManage(run, id);
  const subject = unit ?? application;
  const pending = run.secretGrants.findIndex((grant) =>
    grant.id === id && (grant.unit ?? grant.application) === subject
  );
  if (pending >= 0) run.secretGrants.splice(pending, 1);
  run.secretRevokes.push({
    id,
    ...(application === undefined ? {} : { application }),
    ...(unit === undefined ? {} : { unit }),
  });
  return {};
}

/** Commands about who may read a secret. */
export const secretAccessCommands: readonly CommandDefinition[] = [
  {
    name: "secret-grant",
    usage: "<ID>",
    purpose: "Grant access to a secret.",
    flags: (run) => [
      relationFlag(run),
      { names: ["unit"], type: "string", usage: "the unit to grant access" },
    ],
    since: 300,
    perform: secretGrant,
  },
  {
    name: "secret-revoke",
    usage: "<ID>",
    purpose: "Revoke access to a secret.",
    flags: (run) => [
      { names: ["app", "application"], type: "string", usage: "the application to revoke access" },
      relationFlag(run),
      { names: ["unit"], type: "string", usage: "the unit to revoke access" },
    ],
    since: 300,
    perform: secretRevoke,
  },
];
