/** Which of several names is meant by one that is mistyped. */

/** Of its letters, so many may be wrong. */
const SHARE = 1 / 3;

/** @returns undefined where none is near */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const [best] = names
    .map((candidate) => ({ candidate, distance: distanceOf(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= name.length * SHARE ? best.candidate : undefined;
}

/** Letters to insert, to leave out or to exchange (Levenshtein). */
function distanceOf(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (const [i, letter] of [...a].entries()) {
    const row = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const exchanged = (above[j] ?? 0) + (letter === other ? 0 : 1);
      row.push(Math.min(exchanged, (above[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1));
    }
    above = row;
  }
  return above.at(-1) ?? 0;
}
