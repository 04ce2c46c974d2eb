/** Lives that a seed makes up, against charms that are shell scripts. */
import { liveRandomly } from "./random_life.ts";

for (const seed of Array.from({ length: 120 }, (_, index) => 100 + index)) {
  Deno.test(`a life made up by seed ${seed} keeps Juju's order and ends clean`, () => liveRandomly(seed));
}
