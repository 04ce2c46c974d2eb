/** A directory with the files of a charm. */

/** Runs a test in a directory with the given files. */
export async function withFiles(
  files: Readonly<Record<string, string | Uint8Array>>,
  test: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, content] of Object.entries(files)) {
      await Deno.writeFile(`${dir}/${name}`, typeof content === "string" ? new TextEncoder().encode(content) : content);
    }
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** A charm with an endpoint of each role, a storage and a container. */
export const METADATA = `name: pg
summary: A database
description: not used
subordinate: false
peers:
  database-peers: {interface: postgresql_peers}
provides:
  database:
    interface: pgsql
    scope: container
    limit: 1
requires:
  x-relation: http
storage:
  pgdata: {type: filesystem}
containers:
  a-pebble: {resource: image}
`;
