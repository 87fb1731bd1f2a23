/** The outcome of each event of a batch, and the result of the batch. */
import type { Problem } from '../lib/validation.js';
import { droppedKeyWarning, formatProblems, type ParsedEvent } from './parse-event.js';

/** An event that is invalid and was not applied. */
export interface RejectedEvent {
  /** The event's index in the batch, from 0. */
  readonly index: number;
  /** The event's id, where it is valid. */
  readonly id: string | null;
  /** All problems, as one sentence. */
  readonly reason: string;
  /** All problems, each with its path. */
  readonly problems: readonly Problem[];
}

/** An unknown key. It was dropped, and the event was applied without it or rejected for another reason. */
export interface EventWarning extends Problem {
  readonly index: number;
  readonly id: string | null;
}

/** The result of a batch. Each event is one of `accepted`, `duplicates`, `stale`, `ignored` and `rejected`. */
export interface EventsResult {
  /** Events that are committed, also where others are rejected. */
  readonly accepted: number;
  /** Events whose ids were applied before: they change nothing. */
  readonly duplicates: number;
  /**
   * Events that are older than the stored state of their `ref`, or of all of their dates, by version or by queue position: they
   * change nothing.
   */
  readonly stale: number;
  /** Events of type `occupied` of zero length: they change nothing. */
  readonly ignored: number;
  /** The number of accepted events that lie wholly in the past. */
  readonly past: number;
  readonly rejected: readonly RejectedEvent[];
  readonly warnings: readonly EventWarning[];
  /** The duplicates whose content differs from the first event of their id. */
  readonly differing: readonly { readonly index: number; readonly id: string }[];
}

export type EventOutcome =
  | { readonly kind: 'accepted'; readonly isPast: boolean }
  | { readonly kind: 'duplicate'; readonly differs: boolean }
  | { readonly kind: 'stale' | 'ignored' }
  | { readonly kind: 'rejected'; readonly problems: readonly Problem[] };

/**
 * @param batch the events in their order
 * @param outcomes the outcome of each event
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
