/** Lives that a seed makes up, against charms that are shell scripts. */
import { liveRandomly } from "./random_life.ts";

for (const seed of [1, 2, 3, 4, 5, 6]) {
  Deno.test(`a life made up by seed ${seed} keeps Juju's order and ends clean`, () => liveRandomly(seed));
}
