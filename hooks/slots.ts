/**
 * Which handler slot an event goes to.
 *
 * @module
 */
import type { LifecycleSlot } from "./definition.ts";
import type { HookEvent, RelationEvent } from "./event.ts";

/** The slot of an event that belongs to no relation: the hook's name in camelCase, without its storage or container. */
export function lifecycleSlot(event: Exclude<HookEvent, RelationEvent>): LifecycleSlot {
  switch (event.kind) {
    case "lifecycle":
      return camelCase(event.hook) as LifecycleSlot;
    case "storage":
      return camelCase(`storage-${event.phase}`) as LifecycleSlot;
    case "secret":
      return camelCase(`secret-${event.phase}`) as LifecycleSlot;
    case "workload":
      return camelCase(`pebble-${event.phase}`) as LifecycleSlot;
  }
}

function camelCase(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
