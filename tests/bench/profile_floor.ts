/** The floor of the profile: a program that tells when its first line ran. */
import { openClock } from "./profile_clock.ts";

console.log(JSON.stringify(openClock()()));
