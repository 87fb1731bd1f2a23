/** Takes a batch of occupancy events into the record: one transaction changes what is known and marks the days. */
import { check, describe } from '../check.js';
import { InvalidScheduleError, LEAST_URGENT, localDate } from '../core/index.js';
import { markChanges } from '../occupancy/mark.js';
import type { Sealer } from '../privacy/sealer.js';
import { type LockedCalendar, lockCalendars, recordHeard, rememberEvents } from '../store/events.js';
import { followAppointmentsOf } from '../store/following.js';
import type { AddedNotification } from '../store/notifications.js';
import { findOccupancies, saveOccupancies } from '../store/occupancy.js';
import { retryDeadlock } from '../store/retry-deadlock.js';
import type { Db } from '../store/schema.js';
import { noteWindows } from '../store/snapshots.js';
import type { WantedCalendar } from '../store/wanted.js';
import { findWindows, saveWindows } from '../store/windows.js';
import { tellConflicts } from './conflicts.js';
import { fold } from './fold.js';
import { takeLinks } from './links.js';
import { type ResolvedEvent, resolveEvent } from './resolve.js';
import { eventSchema, type OccupancyEvent } from './vocabulary.js';

export interface RejectedEvent {
  /** Its place in the batch, from 0. */
  readonly index: number;
  /** Its id, where it had a readable one. */
  readonly id: string | null;
  readonly reason: string;
}

/** What became of a batch. `accepted` events are committed, also where others are rejected. */
export interface EventsResult {
  readonly accepted: number;
  readonly duplicates: number;
  readonly stale: number;
  /** Events of type `occupied` that take no time: they change nothing. */
  readonly ignored: number;
  /** How many of the accepted are about nothing but the past. */
  readonly past: number;
  readonly rejected: readonly RejectedEvent[];
}

export interface Applied {
  readonly result: EventsResult;
  /** The calendars that now have something to publish and no job that would see to it. */
  readonly wakes: readonly WantedCalendar[];
  /** What the clinic has to hear: times that are now sold twice. */
  readonly added: readonly AddedNotification[];
}

interface Readable {
  readonly index: number;
  readonly event: OccupancyEvent;
}

/**
 * @param events as they came, unchecked
 * @param now epoch milliseconds
 * @param sealer for what the clinic has to hear of it
 */
export async function applyEvents(
  db: Db,
  events: readonly unknown[],
  now: number,
  sealer?: Sealer,
): Promise<Applied> {
  const rejected: RejectedEvent[] = [];
  const readable: Readable[] = [];
  events.forEach((raw, index) => {
    const checked = check(eventSchema, raw);
    if (checked.success) readable.push({ index, event: checked.data });
    else rejected.push({ index, id: idOf(raw), reason: describe(checked.problems[0]) });
  });

  const taken = await retryDeadlock(() =>
    db.transaction().execute((tx) => takeIn(tx, readable, now, sealer)),
  );
  return {
    result: {
      accepted: taken.accepted,
      duplicates: taken.duplicates,
      stale: taken.stale,
      ignored: taken.ignored,
      past: taken.past,
      rejected: [...rejected, ...taken.rejected].sort((a, b) => a.index - b.index),
    },
    wakes: taken.wakes,
    added: taken.added,
  };
}

/** The whole of it, in one transaction. */
async function takeIn(tx: Db, readable: readonly Readable[], now: number, sealer: Sealer | undefined) {
  const at = new Date(now);
  const calendars = await lockCalendars(tx, unique(readable.map(({ event }) => event.calendar)));
  await recordHeard(tx, calendars.values(), at);
  const { resolved, rejected } = resolveAll(readable, calendars);
  const unseen = await rememberEvents(tx, unique(resolved.map(({ id }) => id)), at);
  const fresh = resolved.filter(({ id }) => unseen.delete(id)).map(({ event }) => event);

  const refs = fresh.flatMap((event) =>
    event.type === 'occupied' || event.type === 'released' ? [event] : [],
  );
  const dates = fresh.flatMap((event) =>
    event.type === 'available'
      ? [...event.dates.keys()].map((date) => ({ calendar: event.calendar, date }))
      : [],
  );
  const known = {
    calendars,
    occupancies: await findOccupancies(
      tx,
      refs.map(({ calendar, ref }) => ({ calendar, ref })),
    ),
    windows: await findWindows(tx, dates),
  };
  const folded = fold(fresh, known, now);
  await saveOccupancies(tx, folded.occupancies, at);
  await saveWindows(tx, folded.windows);
  // A lower version than the one that is known changes nothing, also not of a booking.
  const news = fresh.flatMap((event, n) =>
    event.type === 'available' || folded.outcomes[n] !== 'accepted' ? [] : [event],
  );
  const linked = await takeLinks(
    tx,
    calendars,
    news.flatMap((event) =>
      event.type === 'occupied' && event.booking !== undefined
        ? [{ calendar: event.calendar, booking: event.booking, ref: event.ref }]
        : [],
    ),
    now,
  );
  const following = await followAppointmentsOf(
    tx,
    news.map(({ calendar, ref }) => ({ calendar, ref })),
  );
  const wakes = await markChanges(
    tx,
    { windows: folded.changedByWindows, occupancy: [...folded.changedByOccupancy, ...linked.days] },
    now,
    following.map((calendar) => ({ calendar, urgency: LEAST_URGENT })),
  );
  await noteWindows(tx, dates, at);
  const added = await tellConflicts(
    tx,
    sealer,
    [...news.map(({ calendar, ref }) => ({ calendar, ref })), ...linked.appointments],
    now,
  );

  const accepted = fresh.filter((_, n) => folded.outcomes[n] === 'accepted');
  const counted = (outcome: 'stale' | 'ignored'): number =>
    folded.outcomes.filter((one) => one === outcome).length;
  return {
    wakes,
    added,
    rejected,
    stale: counted('stale'),
    ignored: counted('ignored'),
    past: accepted.filter((event) => isPast(event, calendars, now)).length,
    accepted: accepted.length,
    duplicates: resolved.length - fresh.length,
  };
}

function isPast(event: ResolvedEvent, calendars: ReadonlyMap<string, LockedCalendar>, now: number): boolean {
  if (event.type === 'occupied') return event.interval.end <= now;
  const timeZone = calendars.get(event.calendar)?.timeZone;
  if (event.type !== 'available' || timeZone === undefined) return false;
  const today = localDate(now, timeZone);
  return [...event.dates.keys()].every((date) => date < today);
}

function resolveAll(readable: readonly Readable[], calendars: ReadonlyMap<string, LockedCalendar>) {
  const resolved: { readonly id: string; readonly event: ResolvedEvent }[] = [];
  const rejected: RejectedEvent[] = [];
  for (const { index, event } of readable) {
    const calendar = calendars.get(event.calendar);
    try {
      if (calendar === undefined || calendar.formerOf !== undefined) {
        throw new InvalidScheduleError('calendar', `there is no calendar "${event.calendar}"`);
      }
      if (calendar.isClosing) {
        throw new InvalidScheduleError('calendar', `the calendar "${event.calendar}" is being deleted`);
      }
      resolved.push({ id: event.id, event: resolveEvent(event, calendar) });
    } catch (error) {
      if (!(error instanceof InvalidScheduleError)) throw error;
      rejected.push({ index, id: event.id, reason: `${error.path}: ${error.reason}` });
    }
  }
  return { resolved, rejected };
}

const unique = (values: readonly string[]): string[] => [...new Set(values)];

function idOf(raw: unknown): string | null {
  return typeof raw === 'object' && raw !== null && 'id' in raw && typeof raw.id === 'string' ? raw.id : null;
}
