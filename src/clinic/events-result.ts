/** What becomes of the events of a batch, each for itself, and of the batch as a whole. */
import type { Problem } from '../lib/validation.js';
import { droppedKeyWarning, formatProblems, type ParsedEvent } from './parse-event.js';

/** An event that cannot be taken in. */
export interface RejectedEvent {
  /** Its place in the batch, from 0. */
  readonly index: number;
  /** Its id, where it had a readable one. */
  readonly id: string | null;
  /** Everything that is wrong with it, as one sentence. */
  readonly reason: string;
  /** The same, each thing with its path. */
  readonly problems: readonly Problem[];
}

/** A key that no event of its type has. It was dropped, and the event was taken in without it, or rejected for something else. */
export interface EventWarning extends Problem {
  readonly index: number;
  readonly id: string | null;
}

/** What became of a batch. Each event is one of `accepted`, `duplicates`, `stale`, `ignored` and `rejected`. */
export interface EventsResult {
  /** They are committed, also where others are rejected. */
  readonly accepted: number;
  /** Events whose ids were taken in before: they change nothing. */
  readonly duplicates: number;
  /**
   * Events that are older than what is known of their `ref`, or of all of their dates, by version or by their place in the
   * queue: they change nothing.
   */
  readonly stale: number;
  /** Events of type `occupied` that take no time: they change nothing. */
  readonly ignored: number;
  /** How many of the accepted are about nothing but the past. */
  readonly past: number;
  readonly rejected: readonly RejectedEvent[];
  readonly warnings: readonly EventWarning[];
  /** Those of the duplicates that say something else than what was taken in under their ids. */
  readonly differing: readonly { readonly index: number; readonly id: string }[];
}

export type EventOutcome =
  | { readonly kind: 'accepted'; readonly isPast: boolean }
  | { readonly kind: 'duplicate'; readonly differs: boolean }
  | { readonly kind: 'stale' | 'ignored' }
  | { readonly kind: 'rejected'; readonly problems: readonly Problem[] };

/**
 * @param batch its events, in their order
 * @param outcomes of all of them
 */
export function toEventsResult<Event extends ParsedEvent>(
  batch: readonly Event[],
  outcomes: ReadonlyMap<Event, EventOutcome>,
): EventsResult {
  const counts = { accepted: 0, duplicates: 0, stale: 0, ignored: 0, past: 0 };
  const rejected: RejectedEvent[] = [];
  const warnings: EventWarning[] = [];
  const differing: { index: number; id: string }[] = [];
  for (const [index, event] of batch.entries()) {
    const { id, dropped } = event;
    for (const path of dropped) warnings.push({ index, id, ...droppedKeyWarning(path) });
    const outcome = outcomes.get(event);
    switch (outcome?.kind) {
      case 'accepted':
        counts.accepted += 1;
        if (outcome.isPast) counts.past += 1;
        break;
      case 'duplicate':
        counts.duplicates += 1;
        if (outcome.differs && id !== null) differing.push({ index, id });
        break;
      case 'stale':
      case 'ignored':
        counts[outcome.kind] += 1;
        break;
      case 'rejected':
        rejected.push({ index, id, reason: formatProblems(outcome.problems), problems: outcome.problems });
        break;
      case undefined:
        throw new Error('an event of the batch has no outcome');
    }
  }
  return { ...counts, rejected, warnings, differing };
}
