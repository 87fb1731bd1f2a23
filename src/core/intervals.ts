/** Computes the union, intersection and difference of sets of half-open intervals. */

/**
 * The i-th interval is `starts[i]` to `ends[i]`, in epoch ms. Arrays of numbers are used because they sort and iterate
 * fastest.
 */
export interface Spans {
  readonly starts: number[];
  readonly ends: number[];
}

/**
 * Returns the sorted, disjoint union of intervals in any order. Intervals that touch are merged. It sorts the given arrays in
 * place.
 *
 * Starts and ends are sorted independently: an instant is uncovered exactly if the number of ends up to it equals the number
 * of starts, which does not depend on the pairing of starts and ends.
 */
export function unite(intervals: Spans): Spans {
  const starts = sortInPlace(intervals.starts);
  const ends = sortInPlace(intervals.ends);
  const union: Spans = { starts: [], ends: [] };
  let start = starts[0];
  for (let i = 0; start !== undefined; i++) {
    const next = starts[i + 1];
    const end = ends[i];
    if (end === undefined) break;
    if (next !== undefined && next <= end) continue;
    union.starts.push(start);
    union.ends.push(end);
    start = next;
  }
  return union;
}

/** The largest array for which insertion sort is faster than the native sort. */
const MAX_INSERTION_SORT = 128;

/** Sorts ascending, in place. Insertion sort is used first, because most inputs are already sorted or short. */
function sortInPlace(numbers: number[]): number[] {
  for (let i = 1; i < numbers.length; i++) {
    const n = numbers[i] ?? 0;
    let at = i;
    for (; at > 0; at--) {
      const before = numbers[at - 1] ?? 0;
      if (before <= n) break;
      if (numbers.length > MAX_INSERTION_SORT) return sortNatively(numbers);
      numbers[at] = before;
    }
    numbers[at] = n;
  }
  return numbers;
}

/** Sorts a typed array, because its native sort needs no JavaScript callback for each comparison. */
function sortNatively(numbers: number[]): number[] {
  new Float64Array(numbers).sort().forEach((n, i) => {
    numbers[i] = n;
  });
  return numbers;
}

/** Returns the intersection of two sorted, disjoint sets of intervals. */
export function intersect(a: Spans, b: Spans): Spans {
  const common: Spans = { starts: [], ends: [] };
  for (let i = 0, j = 0; ; ) {
    const [aStart, aEnd, bStart, bEnd] = [a.starts[i], a.ends[i], b.starts[j], b.ends[j]];
    if (aStart === undefined || aEnd === undefined || bStart === undefined || bEnd === undefined)
      return common;
    const start = Math.max(aStart, bStart);
    const end = Math.min(aEnd, bEnd);
    if (start < end) {
      common.starts.push(start);
      common.ends.push(end);
    }
    if (aEnd === end) i++;
    else j++;
  }
}

/**
 * Calls `emit` for each remaining interval of `a` minus `b`, in order, with the index of its source interval in `a`. Both
 * are sorted and disjoint.
 */
export function subtract(
  a: Spans,
  b: Spans,
  emit: (start: number, end: number, index: number) => void,
): void {
  let firstRelevant = 0;
  for (let i = 0; i < a.starts.length; i++) {
    let start = a.starts[i];
    const end = a.ends[i];
    if (start === undefined || end === undefined) return;
    for (let j = firstRelevant; j < b.starts.length; j++) {
      const from = b.starts[j];
      const until = b.ends[j];
      if (from === undefined || until === undefined || from >= end) break;
      if (until <= start) {
        firstRelevant = j + 1;
        continue;
      }
      if (from > start) emit(start, from, i);
      start = until;
      if (start >= end) break;
    }
    if (start < end) emit(start, end, i);
  }
}

/** Extends every interval by `before` ms at its start and by `after` ms at its end. */
export function widen({ starts, ends }: Spans, before: number, after: number): Spans {
  if (before === 0 && after === 0) return { starts, ends };
  return { starts: starts.map((ms) => ms - before), ends: ends.map((ms) => ms + after) };
}
