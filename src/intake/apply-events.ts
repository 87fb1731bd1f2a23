/** Takes a batch of occupancy events into the record: one transaction changes what is known and marks the days. */
import type { Problem } from '../check.js';
import { LEAST_URGENT, localDate } from '../core/index.js';
import { markChanges } from '../occupancy/mark.js';
import type { Sealer } from '../privacy/sealer.js';
import { type LockedCalendar, lockCalendars, recordLastEvent, rememberEvents } from '../store/events.js';
import { followAppointmentsOf } from '../store/following.js';
import type { AddedNotification } from '../store/notifications.js';
import { findOccupancies, saveOccupancies } from '../store/occupancy.js';
import { retryDeadlock } from '../store/retry-deadlock.js';
import type { Db } from '../store/schema.js';
import { noteWindows } from '../store/snapshots.js';
import type { WantedCalendar } from '../store/wanted.js';
import { findWindows, saveWindows } from '../store/windows.js';
import { tellConflicts } from './conflicts.js';
import { contentOf } from './event-content.js';
import { fold } from './fold.js';
import { takeLinks } from './links.js';
import { droppedKey, type ReadEvent, readEvent, sentenceOf } from './read-event.js';
import { isProblems, type ResolvedEvent, resolveEvent, resolveInterval } from './resolve.js';
import { occupiedSchema } from './vocabulary.js';

/** An event that cannot be taken in. */
export interface RejectedEvent {
  /** Its place in the batch, from 0. */
  readonly index: number;
  /** Its id, where it had a readable one. */
  readonly id: string | null;
  /** Everything that is wrong with it, as one sentence. */
  readonly reason: string;
  /** The same, each thing with its path. */
  readonly problems: readonly Problem[];
}

/** A key that no event of its type has. It was dropped, and the event was taken in without it, or rejected for something else. */
export interface EventWarning extends Problem {
  readonly index: number;
  readonly id: string | null;
}

/** What became of a batch. Each event is one of `accepted`, `duplicates`, `stale`, `ignored` and `rejected`. */
export interface EventsResult {
  /** They are committed, also where others are rejected. */
  readonly accepted: number;
  /** Events whose ids were taken in before: they change nothing. */
  readonly duplicates: number;
  /** Events with a lower version than the last seen of their `ref`: they change nothing. */
  readonly stale: number;
  /** Events of type `occupied` that take no time: they change nothing. */
  readonly ignored: number;
  /** How many of the accepted are about nothing but the past. */
  readonly past: number;
  readonly rejected: readonly RejectedEvent[];
  readonly warnings: readonly EventWarning[];
  /** Those of the duplicates that say something else than what was taken in under their ids. */
  readonly differing: readonly { readonly index: number; readonly id: string }[];
}

export interface Applied {
  readonly result: EventsResult;
  /** The calendars that now have something to publish and no job that would see to it. */
  readonly wakes: readonly WantedCalendar[];
  /** What the clinic has to hear: times that are now sold twice. */
  readonly added: readonly AddedNotification[];
}

export interface ApplyOptions {
  /** For what the clinic has to hear of it. */
  readonly sealer?: Sealer | undefined;
  /** Only says what would become of them. */
  readonly dryRun?: boolean | undefined;
}

/**
 * @param events as they came, unchecked
 * @param now epoch milliseconds
 */
export async function applyEvents(
  db: Db,
  events: readonly unknown[],
  now: number,
  { sealer, dryRun = false }: ApplyOptions = {},
): Promise<Applied> {
  const read = events.map((raw, index) => ({ index, raw, ...readEvent(raw) }));
  const warnings = read.flatMap(({ index, id, dropped }) =>
    dropped.map((path) => ({ index, id, ...droppedKey(path) })),
  );
  const { wakes, added, ...counts } = await retryDeadlock(() =>
    dryRun
      ? withoutEffect(db, (tx) => takeIn(tx, read, now, sealer))
      : db.transaction().execute((tx) => takeIn(tx, read, now, sealer)),
  );
  return { result: { ...counts, warnings }, ...(dryRun ? { wakes: [], added: [] } : { wakes, added }) };
}

/** Does it, and takes it back. */
async function withoutEffect<T>(db: Db, work: (tx: Db) => Promise<T>): Promise<T> {
  const tx = await db.startTransaction().execute();
  try {
    return await work(tx);
  } finally {
    await tx.rollback().execute();
  }
}

interface Read extends ReadEvent {
  readonly index: number;
  readonly raw: unknown;
}

interface Resolved {
  readonly index: number;
  readonly id: string;
  readonly event: ResolvedEvent;
  readonly content: string;
}

/** The whole of it, in one transaction. */
async function takeIn(tx: Db, read: readonly Read[], now: number, sealer: Sealer | undefined) {
  const at = new Date(now);
  const calendars = await lockCalendars(tx, unique(read.flatMap(({ calendar }) => calendar ?? [])));
  await recordLastEvent(tx, calendars.values(), at);
  const { resolved, rejected } = resolveAll(read, calendars);
  const firsts = new Map(resolved.toReversed().map((one) => [one.id, one]));
  const { unseen, contents } = await rememberEvents(tx, [...firsts.values()], at);
  const [fresh, duplicates] = [[] as ResolvedEvent[], [] as Resolved[]];
  for (const one of resolved) {
    if (unseen.delete(one.id)) fresh.push(one.event);
    else duplicates.push(one);
  }

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
    duplicates: duplicates.length,
    differing: duplicates.flatMap(({ index, id, content }) => {
      const first = contents.has(id) ? contents.get(id) : firsts.get(id)?.content;
      return first == null || first === content ? [] : [{ index, id }];
    }),
  };
}

function isPast(event: ResolvedEvent, calendars: ReadonlyMap<string, LockedCalendar>, now: number): boolean {
  if (event.type === 'occupied') return event.interval.end <= now;
  const timeZone = calendars.get(event.calendar)?.timeZone;
  if (event.type !== 'available' || timeZone === undefined) return false;
  const today = localDate(now, timeZone);
  return [...event.dates.keys()].every((date) => date < today);
}

function resolveAll(read: readonly Read[], calendars: ReadonlyMap<string, LockedCalendar>) {
  const resolved: Resolved[] = [];
  const rejected: RejectedEvent[] = [];
  for (const one of read) {
    const { index, id } = one;
    const calendar = one.calendar === undefined ? undefined : calendars.get(one.calendar);
    const resolution = one.event && calendar && resolveEvent(one.event, calendar);
    const problems = [
      ...one.problems,
      ...problemsWithCalendar(one.calendar, calendar),
      ...(one.event === undefined && calendar !== undefined ? problemsOfOrder(one.raw, calendar) : []),
      ...(resolution?.success === false ? resolution.problems : []),
    ];
    if (problems.length > 0) rejected.push({ index, id, reason: sentenceOf(problems), problems });
    else if (resolution?.success === true && id !== null) {
      resolved.push({ index, id, event: resolution.event, content: contentOf(resolution.event) });
    }
  }
  return { resolved, rejected };
}

function problemsWithCalendar(id: string | undefined, calendar: LockedCalendar | undefined): Problem[] {
  if (id === undefined) return [];
  if (calendar === undefined || calendar.formerOf !== undefined) {
    return [{ path: 'calendar', reason: `there is no calendar "${id}"` }];
  }
  return calendar.isClosing ? [{ path: 'calendar', reason: `the calendar "${id}" is being deleted` }] : [];
}

const instants = occupiedSchema.pick({ type: true, start: true, end: true });

/** Where something else is wrong with an event, its times are compared all the same. */
function problemsOfOrder(raw: unknown, { timeZone }: LockedCalendar): readonly Problem[] {
  const { data } = instants.safeParse(raw);
  const interval = data && resolveInterval(data, timeZone);
  return interval !== undefined && isProblems(interval) ? interval : [];
}

const unique = (values: readonly string[]): string[] => [...new Set(values)];
