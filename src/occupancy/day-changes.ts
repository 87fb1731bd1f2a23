/** From time that was taken or freed to the days that this changes, each with its urgency. Pure. */
import { datesOf, urgency } from '../core/index.js';
import type { DayChange } from '../store/days.js';
import type { LockedCalendar } from '../store/events.js';
import type { WantedCalendar } from '../store/wanted.js';

/** Half-open, in epoch milliseconds. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

const MINUTE = 60_000;

/** The time that something taken really takes off sale: itself and the calendar's buffers around it. */
export function widened(
  taken: Interval,
  { bufferBefore, bufferAfter }: Pick<LockedCalendar, 'bufferBefore' | 'bufferAfter'>,
): Interval {
  return { start: taken.start - bufferBefore * MINUTE, end: taken.end + bufferAfter * MINUTE };
}

/** Collects changes, one a day, with the most urgent urgency of all that happened to it. */
export class DayChanges {
  readonly #now: number;
  readonly #changes = new Map<string, DayChange>();

  /** @param now epoch milliseconds */
  constructor(now: number) {
    this.#now = now;
  }

  add(calendar: string, date: string, closed: readonly Interval[], opened: readonly Interval[]): void {
    this.#put(calendar, date, urgency({ closed, opened, now: this.#now }));
  }

  /**
   * Something taken went from here to there, or came, or went; buffers are added here.
   * @param hidden whether the marketplace hides it by itself, so that publishing the day changes nothing that shows
   */
  moved(
    calendar: LockedCalendar,
    from: Interval | undefined,
    to: Interval | undefined,
    hidden: boolean = false,
  ): void {
    if (from?.start === to?.start && from?.end === to?.end) return;
    const opened = from && widened(from, calendar);
    const closed = to && widened(to, calendar);
    const hasBuffers = calendar.bufferBefore > 0 || calendar.bufferAfter > 0;
    const value = urgency({
      closed: closed ? [closed] : [],
      opened: opened ? [opened] : [],
      now: this.#now,
      resync: hidden && !hasBuffers && closed !== undefined,
    });
    const dates = [opened, closed].flatMap((one) => (one ? datesOf(one, calendar.timeZone) : []));
    for (const date of new Set(dates)) this.#put(calendar.id, date, value);
  }

  list(): DayChange[] {
    return [...this.#changes.values()];
  }

  #put(calendar: string, date: string, value: number): void {
    const at = `${date}\u0000${calendar}`;
    const known = this.#changes.get(at)?.urgency ?? Number.POSITIVE_INFINITY;
    this.#changes.set(at, { calendar, date, urgency: Math.min(known, value) });
  }
}

/** The calendars of these days, each as urgent as its most urgent day. */
export function mostUrgent(changes: readonly DayChange[]): WantedCalendar[] {
  const calendars = new Map<string, WantedCalendar>();
  for (const { calendar, urgency } of changes) {
    const known = calendars.get(calendar);
    if (known === undefined || urgency < known.urgency) calendars.set(calendar, { calendar, urgency });
  }
  return [...calendars.values()];
}
