/** The time of a calendar that must be blocked where all available time is on sale. Pure. */

import type { Span } from '../../core/span.js';
import type { BusyTime } from '../../db/tables/busy-time.js';
import { addBuffers, toBusySpan } from '../../marketplace-state/dirty-days.js';

/** Half-open, in epoch milliseconds, the calendar's buffers included. */
export interface RequiredBlock extends Span {
  /** The appointment of the block; null for the buffers around what the marketplace blocks by itself. */
  readonly ref: string | null;
  /** The address service, where the PMS sent one. */
  readonly service: string | null;
}

interface Buffers {
  readonly bufferBefore?: number | undefined;
  readonly bufferAfter?: number | undefined;
}

/**
 * The marketplace's own bookings and the doctor's breaks block their time by themselves: only their buffers are required. An
 * appointment that is linked to a booking is blocked by the booking, as far as that reaches.
 */
export function requiredBlocksOf(
  busyTime: readonly BusyTime[],
  { bufferBefore = 0, bufferAfter = 0 }: Buffers,
): RequiredBlock[] {
  const linked = new Map<string, Span>();
  for (const one of busyTime)
    if (one.source === 'booking' && one.ref !== null) linked.set(one.ref, toBusySpan(one));
  return busyTime.flatMap((one): RequiredBlock[] => {
    const span = toBusySpan(one);
    const wide = addBuffers(span, { bufferBefore, bufferAfter });
    if (one.source !== 'occupancy') return without(wide, span).map(nobodys);
    const booking = linked.get(one.ref);
    if (booking !== undefined) return without(wide, booking).map(nobodys);
    return [{ ...wide, ref: one.ref, service: one.service }];
  });
}

/** Ids of breaks that may or may not include their buffers, where the calendar has buffers. */
export function breaksWithUnknownBuffers(
  busyTime: readonly BusyTime[],
  { bufferBefore = 0, bufferAfter = 0 }: Buffers,
): readonly string[] {
  if (bufferBefore + bufferAfter === 0) return [];
  return busyTime.flatMap((one) => (one.source === 'break' && one.coupled === null ? [one.id] : []));
}

const nobodys = (span: Span): RequiredBlock => ({ ...span, ref: null, service: null });

export function without(all: Span, hole: Span): Span[] {
  const before = { start: all.start, end: Math.min(all.end, hole.start) };
  const after = { start: Math.max(all.start, hole.end), end: all.end };
  return [before, after].filter(({ start, end }) => start < end);
}
