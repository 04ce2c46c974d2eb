/**
 * The charm's own description, as the dispatcher needs it.
 *
 * @module
 */

/** Role of an endpoint, as the key under which metadata.yaml lists it. */
export type Role = "provides" | "requires" | "peers";

/** One endpoint of the charm. */
export interface Endpoint {
  readonly name: string;
  readonly role: Role;
  readonly interface: string;
  readonly scope: "global" | "container";
}

/** Types that config options can have. */
export type ConfigType = "string" | "int" | "float" | "boolean" | "secret";

/** One option of config.yaml. */
export interface ConfigOption {
  readonly name: string;
  readonly type: ConfigType;
  readonly default?: string | number | boolean;
  readonly description: string;
}

/** One action of actions.yaml. */
export interface ActionSpec {
  readonly name: string;
  readonly description: string;
  /** JSON schema of each parameter. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
  /** Whether parameters that `params` does not list are allowed; Juju's default is true. */
  readonly additionalProperties: boolean;
}

/** What metadata.yaml, config.yaml and actions.yaml (or charmcraft.yaml) say. */
export interface CharmMetadata {
  readonly name: string;
  readonly summary: string;
  readonly subordinate: boolean;
  readonly endpoints: readonly Endpoint[];
  readonly storages: readonly string[];
  readonly containers: readonly string[];
  readonly config: Readonly<Record<string, ConfigOption>>;
  readonly actions: Readonly<Record<string, ActionSpec>>;
}
