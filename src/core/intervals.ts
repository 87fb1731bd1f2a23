/** Sets of instants as sorted, disjoint, half-open intervals: their union, intersection and difference. */

/** The i-th interval is `starts[i]` to `ends[i]`, in epoch ms. Lists of numbers are what sorts and runs fastest. */
export interface Spans {
  readonly starts: number[];
  readonly ends: number[];
}

/**
 * The union of intervals in any order; those that touch become one. It may reorder the lists given.
 *
 * Starts and ends are sorted each for themselves: time is uncovered exactly where as many intervals have ended as have
 * begun, and for that it does not matter which end belongs to which start.
 */
export function unite(intervals: Spans): Spans {
  const begun = sorted(intervals.starts);
  const ended = sorted(intervals.ends);
  const union: Spans = { starts: [], ends: [] };
  let start = begun[0];
  for (let i = 0; start !== undefined; i++) {
    const next = begun[i + 1];
    const end = ended[i];
    if (end === undefined) break;
    if (next !== undefined && next <= end) continue;
    union.starts.push(start);
    union.ends.push(end);
    start = next;
  }
  return union;
}

/** Up to so many numbers, moving each to its place costs less than handing them all to the engine's sort. */
const SMALL = 128;

/** Ascending, in place. Most calendars come sorted, and most days are short: neither should pay for a sort. */
function sorted(numbers: number[]): number[] {
  for (let i = 1; i < numbers.length; i++) {
    const n = numbers[i] ?? 0;
    let at = i;
    for (; at > 0; at--) {
      const before = numbers[at - 1] ?? 0;
      if (before <= n) break;
      if (numbers.length > SMALL) return sortedByEngine(numbers);
      numbers[at] = before;
    }
    numbers[at] = n;
  }
  return numbers;
}

/** In a typed array numbers are sorted without a call of JavaScript for each comparison. */
function sortedByEngine(numbers: number[]): number[] {
  new Float64Array(numbers).sort().forEach((n, i) => {
    numbers[i] = n;
  });
  return numbers;
}

/** What two unions have in common. */
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

/** Calls `emit` for each interval of the first union that the second leaves, in order, with the index of its origin. */
export function subtract(
  a: Spans,
  b: Spans,
  emit: (start: number, end: number, index: number) => void,
): void {
  let passed = 0;
  for (let i = 0; i < a.starts.length; i++) {
    let start = a.starts[i];
    const end = a.ends[i];
    if (start === undefined || end === undefined) return;
    for (let j = passed; j < b.starts.length; j++) {
      const from = b.starts[j];
      const until = b.ends[j];
      if (from === undefined || until === undefined || from >= end) break;
      if (until <= start) {
        passed = j + 1;
        continue;
      }
      if (from > start) emit(start, from, i);
      start = until;
      if (start >= end) break;
    }
    if (start < end) emit(start, end, i);
  }
}

/** Every interval begun earlier and ended later, by ms. */
export function widen({ starts, ends }: Spans, before: number, after: number): Spans {
  if (before === 0 && after === 0) return { starts, ends };
  return { starts: starts.map((ms) => ms - before), ends: ends.map((ms) => ms + after) };
}
