/** Computes the smallest set of requests that changes the existing breaks into the wanted breaks. */
import type { CalendarBreak } from './breaks.js';
import { requireInstant } from './civil.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';

/** A break that exists on the marketplace. */
export interface ExistingBreak extends CalendarBreak {
  readonly id: string;
}

export interface BreakChanges {
  /** Contract: Breaks. */
  readonly add: readonly CalendarBreak[];
  /** Existing breaks with their new times. Contract: Breaks. */
  readonly move: readonly ExistingBreak[];
  /** Ids of existing breaks. Contract: Breaks. */
  readonly delete: readonly string[];
}

interface Timed<B> {
  readonly item: B;
  readonly since: number;
  readonly till: number;
}

/**
 * Returns the breaks to add, move and delete. A break that equals a wanted break does not change. As many of the others as
 * possible are moved. Moves between overlapping times are preferred, because the overlap stays blocked during the move.
 * `existing` must contain only breaks that the caller may change.
 * @throws InvalidScheduleError at a path below `existing` or `wanted`
 */
export function diffBreaks(
  existing: readonly ExistingBreak[],
  wanted: readonly CalendarBreak[],
): BreakChanges {
  const unequal = removeEqual(parseBreaks(existing, 'existing'), parseBreaks(wanted, 'wanted'));
  const overlapping = pairBreaks(
    unequal.have,
    unequal.want,
    (have, want) => have.since < want.till && want.since < have.till,
  );
  const rest = pairBreaks(overlapping.have, overlapping.want, () => true);
  return {
    add: rest.want.map(({ item }) => item),
    move: [...overlapping.pairs, ...rest.pairs].map(([have, want]) => ({
      id: have.item.id,
      since: want.item.since,
      till: want.item.till,
    })),
    delete: rest.have.map(({ item }) => item.id),
  };
}

function parseBreaks<B extends CalendarBreak>(breaks: readonly B[], path: string): Timed<B>[] {
  if (!Array.isArray(breaks)) throw new InvalidScheduleError(path, 'must be a list of breaks');
  const all = breaks.map((item, i) => {
    const since = requireInstant(item.since, undefined, `${path}[${i}].since`);
    const till = requireInstant(item.till, undefined, `${path}[${i}].till`);
    if (till <= since) throw new InvalidScheduleError(`${path}[${i}].till`, 'must be after since');
    return { item, since, till };
  });
  return all.sort((a, b) => a.since - b.since || a.till - b.till);
}

interface Unpaired<H, W> {
  readonly have: readonly Timed<H>[];
  readonly want: readonly Timed<W>[];
}

interface Paired<H, W> extends Unpaired<H, W> {
  readonly pairs: readonly (readonly [Timed<H>, Timed<W>])[];
}

/** Pairs the breaks of two lists that are sorted by `since`. Each break is paired at most once. */
function pairBreaks<H, W>(
  have: readonly Timed<H>[],
  want: readonly Timed<W>[],
  canPair: (have: Timed<H>, want: Timed<W>) => boolean,
): Paired<H, W> {
  const pairs: [Timed<H>, Timed<W>][] = [];
  const unpaired: { have: Timed<H>[]; want: Timed<W>[] } = { have: [], want: [] };
  let [i, j] = [0, 0];
  for (;;) {
    const [one, other] = [have[i], want[j]];
    if (one === undefined || other === undefined) break;
    if (canPair(one, other)) {
      pairs.push([one, other]);
      i++;
      j++;
    } else if (one.till <= other.till) {
      unpaired.have.push(one);
      i++;
    } else {
      unpaired.want.push(other);
      j++;
    }
  }
  return { pairs, have: [...unpaired.have, ...have.slice(i)], want: [...unpaired.want, ...want.slice(j)] };
}

function removeEqual<H, W>(have: readonly Timed<H>[], want: readonly Timed<W>[]): Unpaired<H, W> {
  const wanted = new Map<string, Timed<W>[]>();
  for (const one of want) {
    const equal = wanted.get(keyOf(one));
    if (equal === undefined) wanted.set(keyOf(one), [one]);
    else equal.push(one);
  }
  const matched = new Set<Timed<W>>();
  const rest = have.filter((one) => {
    const equal = wanted.get(keyOf(one))?.pop();
    if (equal !== undefined) matched.add(equal);
    return equal === undefined;
  });
  return { have: rest, want: want.filter((one) => !matched.has(one)) };
}

const keyOf = ({ since, till }: Timed<unknown>) => `${since} ${till}`;
