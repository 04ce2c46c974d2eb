/**
 * The shortest part of a list that still fails: delta debugging by Zeller and Hildebrandt, without complements.
 *
 * @module
 */

/**
 * Takes parts out of a list, halves first and single items last, as long as what is left still fails.
 *
 * @param items a list that fails
 * @param fails tells whether a shorter list, in the same order, fails too
 * @param patience most lists that are tried
 * @returns a list that fails; when patience lasted, none of its items can be left out
 */
export async function shrink<T>(
  items: readonly T[],
  fails: (items: readonly T[]) => Promise<boolean>,
  patience: number,
): Promise<T[]> {
  let kept = [...items];
  let tried = 0;
  for (let size = Math.ceil(kept.length / 2); size >= 1;) {
    let shorter = false;
    for (let at = 0; at < kept.length;) {
      if (tried++ >= patience) return kept;
      const rest = kept.toSpliced(at, size);
      if (await fails(rest)) {
        kept = rest;
        shorter = true;
      } else at += size;
    }
    if (size > 1) size = Math.ceil(size / 2);
    else if (!shorter) break;
  }
  return kept;
}
