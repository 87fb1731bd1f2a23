/** Finds the known name that a misspelt name is closest to. */

/** Edits that still count as a misspelling: none for one or two letters, one from three, two from eight. */
const allowedEdits = (name: string): number => (name.length < 3 ? 0 : name.length < 8 ? 1 : 2);

const normalizeName = (name: string): string => name.toLowerCase().replace(/[-_]/g, '');

export function findClosestName(name: string, known: readonly string[]): string | undefined {
  const given = normalizeName(name);
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const one of known) {
    const allowed = allowedEdits(one);
    if (Math.abs(given.length - one.length) > allowed) continue;
    const edits = editDistance(given, normalizeName(one));
    if (edits <= allowed && edits < (best?.edits ?? Number.POSITIVE_INFINITY)) best = { name: one, edits };
  }
  return best?.name;
}

/** Optimal string alignment: deleted, inserted, replaced letters, and neighbours that are exchanged. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const isExchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (isSame ? 0 : 1),
        isExchanged ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
