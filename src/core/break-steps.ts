/** Orders the changes of breaks so that time that must stay blocked is never bookable between two changes. */
import type { CalendarBreak } from './breaks.js';
import { requireInstant } from './civil.js';
import { type Closing, orderClosings } from './closing-order.js';
import { diffBreaks, type ExistingBreak } from './diff-breaks.js';
import type { Span } from './span.js';

/** One request to the marketplace. Contract: Breaks. */
export type BreakStep =
  | { readonly kind: 'add'; readonly since: string; readonly till: string }
  | { readonly kind: 'move'; readonly id: string; readonly since: string; readonly till: string }
  | { readonly kind: 'delete'; readonly id: string };

/** A wanted break and the id of the existing break that moves to it. Without an id, the break is added. */
interface Change extends CalendarBreak, Closing {
  readonly id?: string;
}

/**
 * Returns the steps from the existing breaks to the wanted breaks. No step reduces the wanted time that is blocked.
 * An addition is always possible, and a move is possible once other breaks block the wanted time that it leaves. Of the
 * possible steps, the earliest in time comes first. Deletions come last, after all wanted time is blocked. If a break may
 * not move, or if moves wait for each other, an addition and a deletion replace a move.
 * @param mayMove whether a break may move; by default every break may
 * @throws InvalidScheduleError at a path below `existing` or `wanted`
 */
export function breakSteps(
  existing: readonly ExistingBreak[],
  wanted: readonly CalendarBreak[],
  mayMove: (one: ExistingBreak) => boolean = () => true,
): BreakStep[] {
  const { add, move, delete: unmatched } = diffBreaks(existing, wanted);
  const byId = new Map(existing.map((one) => [one.id, one]));
  const changes = [
    ...add.map((one) => toChange(one)),
    ...move.map((one) => toChange(one, byId.get(one.id), mayMove)),
  ].sort((a, b) => a.to.start - b.to.start);
  const blockers = [...byId.values()].map(toSpan);
  const steps: BreakStep[] = [];
  const deletions: string[] = [...unmatched];
  for (const { change, stays } of orderClosings(changes, {
    blockers,
    mustBlock: wanted.map(toSpan),
  })) {
    const { id, since, till } = change;
    if (stays && id !== undefined) deletions.push(id);
    steps.push(id === undefined || stays ? { kind: 'add', since, till } : { kind: 'move', id, since, till });
  }
  return [...steps, ...deletions.map((id): BreakStep => ({ kind: 'delete', id }))];
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
