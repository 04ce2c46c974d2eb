/** The charm that is measured: it reads the databag of every remote unit and writes one key. */
import { defineInterface, dispatch, done } from "../../mod.ts";

const bench = defineInterface({
  name: "bench",
  role: "requires",
  on: {
    async changed(_ctx, relation) {
      const units = await relation.units();
      const sum = units.reduce((total, { data }) => total + Number(data.version), 0);
      relation.local.set({ seen: `${units.length} ${sum}` });
      return done;
    },
  },
});

if (import.meta.main) {
  // Where the memory is asked for: an open file can still be read when the permission for its path is gone.
  const self = Deno.env.has("BENCH_MEMORY") ? Deno.openSync("/proc/self/status") : undefined;
  const code = await dispatch({ interfaces: [bench], actions: [] });
  if (self) await self.readable.pipeTo(Deno.stdout.writable);
  Deno.exit(code);
}
