/** The requests that turn the breaks that exist into the breaks that are wanted, as few as there can be. */

import type { CalendarBreak } from './breaks.js';
import { requireInstant } from './civil.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';

/** A break that exists. */
export interface ExistingBreak extends CalendarBreak {
  readonly id: string;
}

export interface BreakChanges {
  /** Contract: Breaks. */
  readonly add: readonly CalendarBreak[];
  /** Where existing breaks go to. Contract: Breaks. */
  readonly move: readonly ExistingBreak[];
  /** Ids. Contract: Breaks. */
  readonly delete: readonly string[];
}

interface Timed<B> {
  readonly item: B;
  readonly since: number;
  readonly till: number;
}

/**
 * What to add, move and delete. A break that is already where it is wanted is left alone; of the others, as many as
 * possible are moved, those first that overlap where they go, so that what both hide is never on offer in between.
 * Give it only the breaks that are yours to change.
 * @throws InvalidScheduleError at a path below `existing` or `wanted`
 */
export function diffBreaks(
  existing: readonly ExistingBreak[],
  wanted: readonly CalendarBreak[],
): BreakChanges {
  const kept = removeEqual(parseBreaks(existing, 'existing'), parseBreaks(wanted, 'wanted'));
  const near = pairBreaks(
    kept.have,
    kept.want,
    (have, want) => have.since < want.till && want.since < have.till,
  );
  const rest = pairBreaks(near.have, near.want, () => true);
  return {
    add: rest.want.map(({ item }) => item),
    move: [...near.pairs, ...rest.pairs].map(([have, want]) => ({
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

/** Both lists in order of `since`; each break is paired at most once. */
function pairBreaks<H, W>(
  have: readonly Timed<H>[],
  want: readonly Timed<W>[],
  belong: (have: Timed<H>, want: Timed<W>) => boolean,
): Paired<H, W> {
  const pairs: [Timed<H>, Timed<W>][] = [];
  const left: { have: Timed<H>[]; want: Timed<W>[] } = { have: [], want: [] };
  let [i, j] = [0, 0];
  for (;;) {
    const [one, other] = [have[i], want[j]];
    if (one === undefined || other === undefined) break;
    if (belong(one, other)) {
      pairs.push([one, other]);
      i++;
      j++;
    } else if (one.till <= other.till) {
      left.have.push(one);
      i++;
    } else {
      left.want.push(other);
      j++;
    }
  }
  return { pairs, have: [...left.have, ...have.slice(i)], want: [...left.want, ...want.slice(j)] };
}

function removeEqual<H, W>(have: readonly Timed<H>[], want: readonly Timed<W>[]): Unpaired<H, W> {
  const wanted = new Map<string, Timed<W>[]>();
  for (const one of want) {
    const equal = wanted.get(keyOf(one));
    if (equal === undefined) wanted.set(keyOf(one), [one]);
    else equal.push(one);
  }
  const kept = new Set<Timed<W>>();
  const rest = have.filter((one) => {
    const equal = wanted.get(keyOf(one))?.pop();
    if (equal !== undefined) kept.add(equal);
    return equal === undefined;
  });
  return { have: rest, want: want.filter((one) => !kept.has(one)) };
}

const keyOf = ({ since, till }: Timed<unknown>) => `${since} ${till}`;
