/**
 * The charm's configuration with the types that config.yaml declares.
 *
 * @module
 */
import type { CharmMetadata, ConfigType } from "./charm/metadata.ts";
import { DefinitionError, ValueError } from "./errors.ts";

const IS_TYPE: Readonly<Record<ConfigType, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  secret: (value) => typeof value === "string",
  int: (value) => Number.isInteger(value),
  float: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
};

/** Config options and their values. An option without value and default is undefined. */
export class Config {
  readonly #options: CharmMetadata["config"];
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(options: CharmMetadata["config"], values: Readonly<Record<string, unknown>>) {
    this.#options = options;
    this.#values = values;
  }

  /** A `string` option. */
  string(name: string): string | undefined {
    return this.#typed(name, ["string"]) as string | undefined;
  }

  /** An `int` or `float` option. */
  number(name: string): number | undefined {
    return this.#typed(name, ["int", "float"]) as number | undefined;
  }

  /** A `boolean` option. */
  boolean(name: string): boolean | undefined {
    return this.#typed(name, ["boolean"]) as boolean | undefined;
  }

  /** The URI that a `secret` option holds. */
  secret(name: string): string | undefined {
    return this.#typed(name, ["secret"]) as string | undefined;
  }

  /**
   * Any option.
   *
   * @throws {DefinitionError} when config.yaml does not declare the option
   * @throws {ValueError} when Juju gave a value of another type
   */
  get(name: string): string | number | boolean | undefined {
    const option = this.#options[name];
    if (!option) throw new DefinitionError(`config.yaml declares no option ${JSON.stringify(name)}`);
    const value = this.#values[name] ?? option.default;
    if (value === undefined || value === null) return undefined;
    if (!IS_TYPE[option.type](value)) {
      throw new ValueError(
        `config option ${name} is no ${option.type}; set it with: juju config APPLICATION ${name}=…`,
      );
    }
    return value as string | number | boolean;
  }

  #typed(name: string, types: readonly ConfigType[]): string | number | boolean | undefined {
    const value = this.get(name);
    const declared = this.#options[name]?.type;
    if (declared === undefined || !types.includes(declared)) {
      throw new DefinitionError(`config option ${name} is declared as ${declared}, not ${types.join(" or ")}`);
    }
    return value;
  }
}
