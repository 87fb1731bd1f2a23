/** The order in which breaks are changed, so that time which has to stay hidden is never on offer in between. */
import type { CalendarBreak } from './breaks.js';
import { requireInstant } from './civil.js';
import { type Closing, orderClosings } from './closing-order.js';
import { diffBreaks, type ExistingBreak } from './diff-breaks.js';
import type { Span } from './span.js';

/** One request. Contract: Breaks. */
export type BreakStep =
  | { readonly kind: 'add'; readonly since: string; readonly till: string }
  | { readonly kind: 'move'; readonly id: string; readonly since: string; readonly till: string }
  | { readonly kind: 'delete'; readonly id: string };

/** What is to be, and the break that goes there; without one it is added. */
interface Change extends CalendarBreak, Closing {
  readonly id?: string;
}

/**
 * Steps from the breaks that exist to the breaks that are wanted. After each of them at least as much of the wanted
 * time is hidden as before it: what has to be added comes first, a break moves when others hide what it leaves, and
 * nothing is deleted before everything wanted is hidden. Of the steps that may come next, the one nearest in time does.
 * A break that may not move is an addition, and a deletion at the end.
 * @param mayMove breaks of which nothing is known against moving them; default all
 * @throws InvalidScheduleError at a path below `existing` or `wanted`
 */
export function breakSteps(
  existing: readonly ExistingBreak[],
  wanted: readonly CalendarBreak[],
  mayMove: (one: ExistingBreak) => boolean = () => true,
): BreakStep[] {
  const { add, move, delete: gone } = diffBreaks(existing, wanted);
  const byId = new Map(existing.map((one) => [one.id, one]));
  const changes = [
    ...add.map((one) => toChange(one)),
    ...move.map((one) => toChange(one, byId.get(one.id), mayMove)),
  ].sort((a, b) => a.to.start - b.to.start);
  const places = [...byId.values()].map(toSpan);
  const steps: BreakStep[] = [];
  const deleted: string[] = [...gone];
  for (const { change, stays } of orderClosings(changes, {
    blockers: places,
    mustBlock: wanted.map(toSpan),
  })) {
    const { id, since, till } = change;
    if (stays && id !== undefined) deleted.push(id);
    steps.push(id === undefined || stays ? { kind: 'add', since, till } : { kind: 'move', id, since, till });
  }
  return [...steps, ...deleted.map((id): BreakStep => ({ kind: 'delete', id }))];
}

function toChange(
  { since, till }: CalendarBreak,
  from?: ExistingBreak,
  mayMove: (one: ExistingBreak) => boolean = () => true,
): Change {
  const change = { since, till, to: toSpan({ since, till }) };
  if (from === undefined) return change;
  return { ...change, id: from.id, from: toSpan(from), mayMove: mayMove(from) };
}

const toSpan = ({ since, till }: CalendarBreak): Span => ({
  start: requireInstant(since, undefined, 'since'),
  end: requireInstant(till, undefined, 'till'),
});
