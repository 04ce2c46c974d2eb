/** The end of etcd's log on disk. */
import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../interfaces/clients/errors.ts";
import { agreeOnAll, logEnd } from "../../interfaces/clients/etcd/wal.ts";

/** Written by etcd 3.4.23: five entries; the last record notes that all of them are agreed on. */
const SEGMENT = Uint8Array.fromBase64(
  [
    "BAAAAAAAAIQIBBAAAAAAAB8AAAAAAACBCAEQ7oW6qwIaFQiD0YDw5fHJuuUBENatqtXC3vjmFgAOAAAAAAAAgggFEOfEnMQDGgQI",
    "ABAAAABuAAAAAAAAgggCEIuKrtEBGmQIARABGAEiXAgAEAAYg9GA8OXxybrlASJLeyJpZCI6MTY1MzQxNjUwOTkzNzY1NTIwNjcs",
    "InBlZXJVUkxzIjpbImh0dHA6Ly8xMjcuNy43Ljc6MjM4MCJdLCJuYW1lIjoiYSJ9AAAQAAAAAAAAAAgDEK3nwIMBGgYIARAAGAEQ",
    "AAAAAAAAAAgCEOqHu/gEGgYIABACGAIZAAAAAAAAhwgDENLbuZANGg8IAhCD0YDw5fHJuuUBGAIAAAAAAAAAlwAAAAAAAIEIAhC1",
    "3POqCBqMAQgAEAIYAyKDAQiBjMut4r/owSgSA1BVVBomLzAvbWVtYmVycy9lNTc1Mjc4ZTVlMDAyODgzL2F0dHJpYnV0ZXMiM3si",
    "bmFtZSI6ImEiLCJjbGllbnRVUkxzIjpbImh0dHA6Ly8xMjcuNy43Ljc6MjM3OSJdfSgAMgA4AEgAUABYAGAAaABwAHgAgAEAABkA",
    "AAAAAACHCAMQl/zKzg0aDwgCEIPRgPDl8cm65QEYAwAAAAAAAABLAAAAAAAAhQgCEPGr4/0PGkEIABACGAQiOQiEjMut4r/owSgS",
    "A1BVVBoKLzAvdmVyc2lvbiIFMy40LjAoADIAOABIAFAAWABgAGgAcAB4AIABAAAAAAAAGQAAAAAAAIcIAxCKuN7DDxoPCAIQg9GA",
    "8OXxybrlARgEAAAAAAAAACcAAAAAAACBCAIQ2a7ppg8aHQgAEAIYBSIVIgYKAWsSAXaiBgoIhYzLreK/6MEoABkAAAAAAACHCAMQ",
    "+qaY/wUaDwgCEIPRgPDl8cm65QEYBQAAAAAAAAA=",
  ].join(""),
);
/** Bytes of the last record. */
const RECORD = 40;
const NAME = "0000000000000000-0000000000000000.wal";

async function withLog(segments: Readonly<Record<string, Uint8Array>>, test: (log: string) => Promise<void>) {
  const log = await Deno.makeTempDir();
  try {
    for (const [name, bytes] of Object.entries(segments)) await Deno.writeFile(`${log}/${name}`, bytes);
    await test(log);
  } finally {
    await Deno.remove(log, { recursive: true });
  }
}

function padded(bytes: Uint8Array, size = 4096): Uint8Array {
  const padded = new Uint8Array(size);
  padded.set(bytes);
  return padded;
}

Deno.test("etcd log: its last entry, in a segment with room and without", async () => {
  for (const bytes of [SEGMENT, padded(SEGMENT)]) {
    await withLog({ [NAME]: bytes, "0.tmp": SEGMENT }, async (log) => {
      assertEquals(await logEnd(log), { term: 2n, index: 5n });
    });
  }
});

Deno.test("etcd log: what a crash has cut short does not count", async () => {
  for (const missing of [1, 8, 17]) {
    await withLog({ [NAME]: SEGMENT.subarray(0, SEGMENT.length - missing) }, async (log) => {
      const end = await logEnd(log);
      assertEquals(end?.term, 2n);
    });
  }
  await withLog({ [NAME]: SEGMENT.subarray(0, 300) }, async (log) => assertEquals((await logEnd(log))?.index, 2n));
  await withLog({ [NAME]: new Uint8Array(64) }, async (log) => assertEquals(await logEnd(log), undefined));
  await withLog({ [NAME]: new Uint8Array(64).fill(255) }, async (log) => assertEquals(await logEnd(log), undefined));
  await withLog({}, async (log) => void await assertRejects(() => logEnd(log), InputError, "no log of etcd"));
});

Deno.test("etcd log: all of it is agreed on, in the very bytes that etcd writes, and once", async () => {
  const torn = padded(SEGMENT.subarray(0, SEGMENT.length - RECORD));
  torn.fill(7, SEGMENT.length, SEGMENT.length + 100);
  for (const bytes of [SEGMENT.subarray(0, SEGMENT.length - RECORD), padded(SEGMENT.subarray(0, -RECORD)), torn]) {
    await withLog({ [NAME]: bytes }, async (log) => {
      await agreeOnAll(log);
      assertEquals(await Deno.readFile(`${log}/${NAME}`), SEGMENT);
      await agreeOnAll(log);
      assertEquals(await Deno.readFile(`${log}/${NAME}`), SEGMENT);
    });
  }
});
