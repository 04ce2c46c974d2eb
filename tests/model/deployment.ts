/**
 * What an operator does to the model: applications, units, relations, configuration, leadership.
 *
 * @module
 */
import { resolve } from "node:path";
import { loadCharm } from "../../hooks/charm/load.ts";
import {
  checkConfig,
  checkDeploy,
  checkUpgrade,
  existingRelation,
  findApplication,
  findUnit,
  ModelError,
  resolveRelation,
} from "./checker.ts";
import type { Machinery } from "./machinery.ts";
import type { WorldState } from "./state.ts";
import { addApplication, addRelation, changeCharm, destroyApplication, destroyUnit } from "./world.ts";

/** Values of configuration options; null resets one to its default. */
export type ConfigValues = Readonly<Record<string, string | number | boolean | null>>;

/** What `juju deploy` is told. */
export interface DeployOptions {
  /** Name of the application. */
  readonly name: string;
  /** Directory with the unpacked charm. */
  readonly charm: string;
  /** Number of units; 1 when absent. */
  readonly units?: number;
  readonly config?: ConfigValues;
  /** Files of the charm's resources by name: what resource-get prints. */
  readonly resources?: Readonly<Record<string, string>>;
  /** Name of the Juju model; `default` when absent. Relations between models are cross-model ones. */
  readonly model?: string;
  /** Address of each unit, by its number; `10.0.0.1` and so on when absent. */
  readonly address?: (unit: number) => string;
  /** Machine of each unit, by its number; a new one each when absent. Units of one machine take turns. */
  readonly machine?: (unit: number) => string;
}

/** Changes that an operator makes. None of them runs a hook by itself. */
export class Deployment {
  /** @param machinery the agents that the changes are for */
  protected constructor(protected readonly machinery: Machinery) {}

  /** Everything that the controller knows; plain data. */
  get world(): WorldState {
    return this.machinery.world;
  }

  /**
   * Deploys an application with its peer relations.
   *
   * @param options name, charm and units
   * @throws {ModelError} Juju would refuse it
   * @throws {CharmFileError} the charm's files cannot be read
   */
  async deploy(options: DeployOptions): Promise<void> {
    const { name, units = 1, config = {}, model = "default" } = options;
    const charmSource = resolve(options.charm);
    const charm = await loadCharm(charmSource);
    checkDeploy(this.world, name, charm, units);
    checkConfig(charm, config);
    const app = addApplication(this.world, { name, charm, charmSource, config, model });
    const resources = Object.entries(options.resources ?? {}).map(([key, path]) => [key, { path: resolve(path) }]);
    app.resources = Object.fromEntries(resources);
    this.machinery.places.set(name, options);
    for (let count = 0; count < units; count++) await this.machinery.addUnit(app);
    this.machinery.reconcile();
  }

  /**
   * Relates two applications.
   *
   * @param a `app:endpoint`, or `app` where only one pair of endpoints fits
   * @param b the other side
   * @returns the id of the relation
   * @throws {ModelError} Juju would refuse it
   */
  relate(a: string, b: string): number {
    return addRelation(this.world, resolveRelation(this.world, [a, b])).id;
  }

  /**
   * Adds units.
   *
   * @param app the application
   * @param count how many
   * @returns their names
   * @throws {ModelError} there is no such application, or it is being removed
   */
  async addUnit(app: string, count = 1): Promise<string[]> {
    const application = findApplication(this.world, app);
    if (application.life !== "alive") throw new ModelError(`application "${app}" is being removed`);
    const names: string[] = [];
    for (let added = 0; added < count; added++) names.push(await this.machinery.addUnit(application));
    this.machinery.reconcile();
    return names;
  }

  /**
   * Starts the removal of a unit; its agent finishes it.
   *
   * @param unit the unit
   * @throws {ModelError} there is no such unit, or it is being removed already
   */
  removeUnit(unit: string): void {
    const state = findUnit(this.world, unit);
    if (state.life !== "alive") throw new ModelError(`unit "${unit}" is being removed already`);
    destroyUnit(this.world, state);
    this.machinery.reconcile();
  }

  /**
   * Starts the removal of an application with its units and relations.
   *
   * @param app the application
   * @throws {ModelError} there is no such application, or it is being removed already
   */
  removeApplication(app: string): void {
    const application = findApplication(this.world, app);
    if (application.life !== "alive") throw new ModelError(`application "${app}" is being removed already`);
    destroyApplication(this.world, application);
    this.machinery.reconcile();
  }

  /**
   * Starts the removal of a relation.
   *
   * @param a one side, as {@linkcode Deployment.relate} takes it
   * @param b the other side
   * @throws {ModelError} there is no such relation, or it is a peer relation
   */
  removeRelation(a: string, b: string): void {
    existingRelation(this.world, [a, b]).life = "dying";
    this.machinery.reconcile();
  }

  /**
   * Changes configuration.
   *
   * @param app the application
   * @param values new values
   * @throws {ModelError} an option is unknown or a value has another type
   */
  setConfig(app: string, values: ConfigValues): void {
    const application = findApplication(this.world, app);
    application.config = { ...application.config, ...checkConfig(application.charm, values) };
  }

  /**
   * Changes a unit's address: `config-changed` runs, and its commit renews the address in the databags.
   *
   * @param unit the unit
   * @param address its new address
   * @throws {ModelError} there is no such unit
   */
  setAddress(unit: string, address: string): void {
    findUnit(this.world, unit).address = address;
  }

  /**
   * Gives an application a new charm.
   *
   * @param app the application
   * @param charm directory with the new charm
   * @throws {ModelError} it would break a relation
   */
  async upgradeCharm(app: string, charm: string): Promise<void> {
    const application = findApplication(this.world, app);
    const source = resolve(charm);
    const metadata = await loadCharm(source);
    checkUpgrade(this.world, application, metadata);
    changeCharm(this.world, application, metadata, source);
  }

  /**
   * Makes a unit the leader of its application at once, even while hooks run.
   *
   * @param unit the unit
   * @throws {ModelError} there is no such unit, or it is being removed
   */
  setLeader(unit: string): void {
    const { app, life } = findUnit(this.world, unit);
    if (life !== "alive") throw new ModelError(`unit "${unit}" is being removed: it cannot lead`);
    findApplication(this.world, app).leader = unit;
  }
}
