/** From time that was taken or freed to the days that this changes, each with its urgency. Pure. */
import { DAY, MINUTE } from '../core/duration.js';
import { datesOf, priority } from '../core/index.js';
import type { Span } from '../core/span.js';
import type { BusyTime } from '../db/tables/busy-time.js';
import type { DirtyDay } from '../db/tables/days.js';
import type { LockedCalendar } from '../db/tables/events.js';
import type { PendingCalendar } from '../db/tables/pending-calendars.js';

/** Time that is taken. */
export interface BusySpan extends Span {
  /** What is to be kept free around it is in it already. */
  readonly hasBuffers?: boolean;
}

/**
 * Which days are marked of something that takes months or years. Nothing is published of a day that is further away; it is
 * marked when its windows come, and computed with all that is taken by then.
 */
const MARKED_BEFORE_MS = 7 * DAY;
const MARKED_AFTER_MS = 366 * DAY;

/** The time that something taken really takes off sale: itself and the calendar's buffers around it. */
export function widened(
  { start, end, hasBuffers = false }: BusySpan,
  { bufferBefore, bufferAfter }: Pick<LockedCalendar, 'bufferBefore' | 'bufferAfter'>,
): Span {
  if (hasBuffers) return { start, end };
  return { start: start - bufferBefore * MINUTE, end: end + bufferAfter * MINUTE };
}

/** A break that we made for a coupled calendar is as long as that one's buffers make it: around it there are no others. */
export function timeOf(taken: BusyTime): BusySpan {
  const [start, end] = [taken.start.getTime(), taken.end.getTime()];
  return { start, end, hasBuffers: taken.source === 'break' && taken.coupled === true };
}

/** Collects changes, one a day, with the most urgent urgency of all that happened to it. */
export class DirtyDays {
  readonly #now: number;
  readonly #changes = new Map<string, DirtyDay>();

  /** @param now epoch milliseconds */
  constructor(now: number) {
    this.#now = now;
  }

  add(calendar: string, date: string, closed: readonly Span[], opened: readonly Span[]): void {
    this.#put(calendar, date, priority({ closed, opened, now: this.#now }));
  }

  /**
   * Something taken went from here to there, or came, or went; buffers are added here.
   * @param hidden whether the marketplace hides it by itself, so that publishing the day changes nothing that shows
   */
  moved(
    calendar: LockedCalendar,
    from: BusySpan | undefined,
    to: BusySpan | undefined,
    hidden: boolean = false,
  ): void {
    const opened = from && widened(from, calendar);
    const closed = to && widened(to, calendar);
    if (isSame(opened, closed)) return;
    const value = priority({
      closed: closed ? [closed] : [],
      opened: opened ? [opened] : [],
      now: this.#now,
      resync: hidden && closed !== undefined && isSame(closed, to),
    });
    const dates = [opened, closed].flatMap((one) => (one ? this.#datesOf(one, calendar.timeZone) : []));
    for (const date of new Set(dates)) this.#put(calendar.id, date, value);
  }

  #datesOf({ start, end }: Span, timeZone: string): string[] {
    if (end - start <= MARKED_AFTER_MS) return datesOf({ start, end }, timeZone);
    const [first, last] = [this.#now - MARKED_BEFORE_MS, this.#now + MARKED_AFTER_MS];
    return datesOf({ start: Math.max(start, first), end: Math.min(end, last) }, timeZone);
  }

  list(): DirtyDay[] {
    return [...this.#changes.values()];
  }

  #put(calendar: string, date: string, value: number): void {
    const at = `${date}\u0000${calendar}`;
    const known = this.#changes.get(at)?.priority ?? Number.POSITIVE_INFINITY;
    this.#changes.set(at, { calendar, date, priority: Math.min(known, value) });
  }
}

const isSame = (a: Span | undefined, b: Span | undefined): boolean =>
  a?.start === b?.start && a?.end === b?.end;

/** The calendars of these days, each as urgent as its most urgent day. */
export function highestPriorities(changes: readonly DirtyDay[]): PendingCalendar[] {
  const calendars = new Map<string, PendingCalendar>();
  for (const { calendar, priority } of changes) {
    const known = calendars.get(calendar);
    if (known === undefined || priority < known.priority) calendars.set(calendar, { calendar, priority });
  }
  return [...calendars.values()];
}
