/** The history of applied events. Pure. */
import { localDate, toIso } from '../core/index.js';
import type { NewHistoryEntry } from '../db/tables/history.js';
import type { LockedCalendar } from '../db/tables/locked-calendars.js';
import type { Occupancy } from '../db/tables/occupancy.js';
import type { ResolvedEvent } from './resolve-event.js';

export interface AppliedEvent {
  readonly id: string;
  readonly event: ResolvedEvent;
  readonly outcome: 'accepted' | 'stale' | 'ignored';
  /** See `NewHistoryEntry`. */
  readonly actor: string;
}

/** @param known the appointments before the events */
export function eventHistory(
  applied: readonly AppliedEvent[],
  calendars: ReadonlyMap<string, LockedCalendar>,
  known: readonly Occupancy[],
  at: Date,
): NewHistoryEntry[] {
  const starts = new Map(known.map((one) => [keyOf(one), one.interval?.start.getTime()]));
  return applied.flatMap(({ id, event, outcome, actor }) => {
    const timeZone = calendars.get(event.calendar)?.timeZone;
    if (timeZone === undefined) return [];
    const facts = factsOf(event, timeZone, starts);
    const type = event.type === 'ignored' ? 'occupied' : event.type;
    const detail = { id, type, outcome, ...facts.detail };
    return [{ kind: 'event', at, calendar: event.calendar, actor, ...facts, detail }];
  });
}

/** @param starts of the appointments before the event; an occupied event replaces the one of its appointment */
function factsOf(
  event: ResolvedEvent,
  timeZone: string,
  starts: Map<string, number | undefined>,
): Pick<NewHistoryEntry, 'date' | 'ref' | 'booking' | 'detail'> {
  switch (event.type) {
    case 'available': {
      const dates = [...event.dates.keys()].sort();
      const [from, to] = [dates[0], dates.at(-1)];
      const windows = [...event.dates.values()].reduce((sum, all) => sum + all.length, 0);
      return { date: from === to ? from : undefined, detail: { from, to, windows } };
    }
    case 'occupied': {
      const { ref, booking, interval, kind, service, version } = event;
      starts.set(keyOf(event), interval.start);
      const [start, end] = [toIso(interval.start, timeZone), toIso(interval.end, timeZone)];
      const date = localDate(interval.start, timeZone);
      return { date, ref, booking, detail: { start, end, kind, service, version } };
    }
    case 'released': {
      const start = starts.get(keyOf(event));
      const date = start === undefined ? undefined : localDate(start, timeZone);
      return { date, ref: event.ref, detail: { version: event.version } };
    }
    case 'ignored':
      return { date: localDate(event.at, timeZone), ref: event.ref };
  }
}

const keyOf = ({ calendar, ref }: { readonly calendar: string; readonly ref: string }): string =>
  `${ref}\u0000${calendar}`;

/**
 * The history of a rejected event of a known calendar. It has the paths of the problems only: the event's values are not known to
 * be free of patients.
 */
export const rejectionHistory = (
  calendar: string,
  id: string | null,
  problems: readonly { readonly path: string }[],
  actor: string,
  at: Date,
): NewHistoryEntry => ({
  kind: 'event',
  at,
  calendar,
  actor,
  detail: { id, outcome: 'rejected', paths: problems.map(({ path }) => path) },
});
