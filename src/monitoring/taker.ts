/** What takes a time: an appointment, a booking, a break, or the buffer around one of them. */
import { toIso } from '../core/index.js';
import { LAST_INSTANT } from '../core/instant.js';
import { type Span, spanOf } from '../core/span.js';
import type { StoredBooking } from '../db/tables/bookings.js';
import type { StoredBreak } from '../db/tables/breaks.js';
import type { BusyTime } from '../db/tables/busy-time.js';
import type { Calendar } from '../db/tables/calendars.js';
import { addBuffers, toBusySpan } from '../marketplace-state/dirty-days.js';
import { busyOwnerOf } from '../publishing/day-report.js';
import type { Taker } from './explanation.js';

/** Half-open, epoch milliseconds. */
export interface Taken extends Span {
  readonly owner: Omit<Taker, 'start' | 'end'>;
}

const KINDS = { occupancy: 'appointment', booking: 'booking', break: 'break' } as const;

export function takenBy(busy: BusyTime): Taken {
  const isShared = busy.source === 'break' && busy.coupled === true;
  const kind = isShared ? 'shared' : KINDS[busy.source];
  return { ...spanOf(busy), owner: { kind, ...busyOwnerOf(busy) } };
}

/** The part of busy time with its buffers that covers an instant: the busy time itself, or the buffer before or after it. */
export function takenAt(
  busy: BusyTime,
  { bufferBefore = 0, bufferAfter = 0 }: Pick<Calendar, 'bufferBefore' | 'bufferAfter'>,
  at: number,
): Taken {
  const taken = takenBy(busy);
  const wide = addBuffers(toBusySpan(busy), { bufferBefore, bufferAfter });
  const owner = { ...taken.owner, kind: 'buffer' } as const;
  if (at < taken.start) return { start: wide.start, end: taken.start, owner };
  if (at >= taken.end) return { start: taken.end, end: wide.end, owner };
  return taken;
}

export const takenByBreak = ({ id, since, till }: StoredBreak): Taken => ({
  start: since.getTime(),
  end: till.getTime(),
  owner: { kind: 'break', break: id },
});

export const takenByPlaceholder = ({ id, ref, ...booking }: StoredBooking): Taken => ({
  ...spanOf(booking),
  owner: { kind: 'booking', booking: id, ...(ref === null ? {} : { ref }) },
});

export const toTaker = ({ start, end, owner }: Taken, timeZone: string): Taker => ({
  ...owner,
  start: toIso(start, timeZone),
  end: toIso(Math.min(end, LAST_INSTANT), timeZone),
});

/** `appointment apt-77 from 10:30 to 10:40`; with the dates, where it is longer than a day. */
export function nameOf(taker: Taker): string {
  const { start, end } = taker;
  const isWithinDay = start.slice(0, 10) === end.slice(0, 10);
  const time = (iso: string): string =>
    isWithinDay ? iso.slice(11, 16) : iso.slice(0, 16).replace('T', ' ');
  return `${describeOwner(taker)} from ${time(start)} to ${time(end)}`;
}

function describeOwner({ kind, ref, booking, break: id }: Taker): string {
  const owner =
    booking === undefined
      ? ref === undefined
        ? `break ${id}`
        : `appointment ${ref}`
      : `booking ${booking}${ref === undefined ? '' : ` of appointment ${ref}`}`;
  if (kind === 'buffer') return `the buffer of ${owner}`;
  return kind === 'shared' ? `${owner} of a coupled calendar` : owner;
}
