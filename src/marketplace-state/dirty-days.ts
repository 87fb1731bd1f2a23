/** Computes which days become dirty when time is occupied or freed, each with its priority. Pure. */
import { DAY, MINUTE } from '../core/duration.js';
import { datesOf, priority } from '../core/index.js';
import type { Span } from '../core/span.js';
import type { BusyTime } from '../db/tables/busy-time.js';
import type { DirtyDay } from '../db/tables/days.js';
import type { LockedCalendar } from '../db/tables/locked-calendars.js';
import type { PendingCalendar } from '../db/tables/pending-calendars.js';

/** A span of busy time. */
export interface BusySpan extends Span {
  /** Whether the span already includes its buffers. */
  readonly hasBuffers?: boolean;
}

/**
 * The days that are marked for a span of months or years. Days further away are not published; they are marked when their
 * windows arrive, and then computed with all busy time that is known.
 */
const MARK_BEFORE_MS = 7 * DAY;
const MARK_AFTER_MS = 366 * DAY;

/** The time that a busy span takes off sale: the span with the calendar's buffers around it. */
export function addBuffers(
  { start, end, hasBuffers = false }: BusySpan,
  { bufferBefore, bufferAfter }: Pick<LockedCalendar, 'bufferBefore' | 'bufferAfter'>,
): Span {
  if (hasBuffers) return { start, end };
  return { start: start - bufferBefore * MINUTE, end: end + bufferAfter * MINUTE };
}

/** An own break of a coupled calendar already includes the buffers of that calendar, so no others are added. */
export function toBusySpan(busy: BusyTime): BusySpan {
  const [start, end] = [busy.start.getTime(), busy.end.getTime()];
  return { start, end, hasBuffers: busy.source === 'break' && busy.coupled === true };
}

/** Collects dirty days, one entry per day, with the highest priority of all its changes. */
export class DirtyDays {
  readonly #now: number;
  readonly #days = new Map<string, DirtyDay>();

  /** @param now epoch milliseconds */
  constructor(now: number) {
    this.#now = now;
  }

  addChange(calendar: string, date: string, closed: readonly Span[], opened: readonly Span[]): void {
    this.#put(calendar, date, priority({ closed, opened, now: this.#now }));
  }

  /**
   * Adds the days of a busy span that moved, appeared (no `from`) or disappeared (no `to`). Buffers are added here.
   * @param isBlocked whether the marketplace blocks the new time by itself, so that publishing the day changes no visible slot
   */
  addMove(
    calendar: LockedCalendar,
    from: BusySpan | undefined,
    to: BusySpan | undefined,
    isBlocked: boolean = false,
  ): void {
    const opened = from && addBuffers(from, calendar);
    const closed = to && addBuffers(to, calendar);
    if (isSame(opened, closed)) return;
    const value = priority({
      closed: closed ? [closed] : [],
      opened: opened ? [opened] : [],
      now: this.#now,
      resync: isBlocked && closed !== undefined && isSame(closed, to),
    });
    const dates = [opened, closed].flatMap((one) => (one ? this.#datesOf(one, calendar.timeZone) : []));
    for (const date of new Set(dates)) this.#put(calendar.id, date, value);
  }

  #datesOf({ start, end }: Span, timeZone: string): string[] {
    if (end - start <= MARK_AFTER_MS) return datesOf({ start, end }, timeZone);
    const [first, last] = [this.#now - MARK_BEFORE_MS, this.#now + MARK_AFTER_MS];
    return datesOf({ start: Math.max(start, first), end: Math.min(end, last) }, timeZone);
  }

  list(): DirtyDay[] {
    return [...this.#days.values()];
  }

  #put(calendar: string, date: string, value: number): void {
    const key = `${date}\u0000${calendar}`;
    const known = this.#days.get(key)?.priority ?? Number.POSITIVE_INFINITY;
    this.#days.set(key, { calendar, date, priority: Math.min(known, value) });
  }
}

const isSame = (a: Span | undefined, b: Span | undefined): boolean =>
  a?.start === b?.start && a?.end === b?.end;

/** The calendars of these days, each with the highest priority of its days. */
export function highestPriorities(days: readonly DirtyDay[]): PendingCalendar[] {
  const calendars = new Map<string, PendingCalendar>();
  for (const { calendar, priority } of days) {
    const known = calendars.get(calendar);
    if (known === undefined || priority < known.priority) calendars.set(calendar, { calendar, priority });
  }
  return [...calendars.values()];
}
