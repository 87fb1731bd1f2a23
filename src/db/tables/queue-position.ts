/**
 * Where an event stood in its queue, by the queue's own counter. It is stored with what the event changed, so that an older
 * event that is applied later changes nothing. Pure.
 */

export interface QueuePosition {
  /** Which counter gave the number: numbers of two counters say nothing of each other. */
  readonly counter: string;
  /** Higher for what was added later. */
  readonly number: number;
}

/** Whether both have a position, and the first was added before the second. */
export function isBefore(a: QueuePosition | undefined, b: QueuePosition | undefined): boolean {
  return a !== undefined && b !== undefined && a.counter === b.counter && a.number < b.number;
}

/** The position that is stored after an event that was applied over what was known. */
export function latest(
  event: QueuePosition | undefined,
  known: QueuePosition | undefined,
): QueuePosition | undefined {
  return event === undefined || isBefore(event, known) ? known : event;
}

/** The columns of a row as a position. @param number int8, which both drivers give as text */
export function positionOf(counter: string | null, number: string | null): QueuePosition | undefined {
  return counter === null || number === null ? undefined : { counter, number: Number(number) };
}
