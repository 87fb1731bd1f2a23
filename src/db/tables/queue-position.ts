/**
 * The position of an event in its queue, by the queue's own counter. It is stored with what the event changed, so that an
 * older event that is applied later changes nothing. Pure.
 */

export interface QueuePosition {
  /** The counter that assigned the number. Numbers of different counters cannot be compared. */
  readonly counter: string;
  /** Higher for an event that was added later. */
  readonly number: number;
}

/** Whether both have a position, and the first was added before the second. */
export function isBefore(a: QueuePosition | undefined, b: QueuePosition | undefined): boolean {
  return a !== undefined && b !== undefined && a.counter === b.counter && a.number < b.number;
}

/** The position to store after an event was applied. */
export function laterPosition(
  event: QueuePosition | undefined,
  known: QueuePosition | undefined,
): QueuePosition | undefined {
  return event === undefined || isBefore(event, known) ? known : event;
}

/** Converts the columns of a row. @param number an int8, which both drivers return as text */
export function toQueuePosition(counter: string | null, number: string | null): QueuePosition | undefined {
  return counter === null || number === null ? undefined : { counter, number: Number(number) };
}
