/**
 * Applies batches of occupancy events to the database: one transaction saves the state and marks days dirty. Each event of a batch
 * has its own outcome.
 */

import { DAY } from '../core/duration.js';
import { LOWEST_PRIORITY, localDate, parseInstant } from '../core/index.js';
import type { Encryptor } from '../crypto/encryptor.js';
import { executePart } from '../db/combined-write.js';
import { COMMIT, runPipelined } from '../db/pipeline.js';
import { retryDeadlock } from '../db/retry.js';
import type { Db } from '../db/schema.js';
import { findBookingsNear, findConflictsOfAppointments, type NearbyBooking } from '../db/tables/conflicts.js';
import { findEventHashes, recordEvents } from '../db/tables/events.js';
import { type NewHistoryEntry, saveHistory } from '../db/tables/history.js';
import { startSyncOfAppointments } from '../db/tables/linked-bookings.js';
import {
  type LockedCalendar,
  lockCalendars,
  recordLastEvent,
  tryLockCalendars,
} from '../db/tables/locked-calendars.js';
import type { AddedNotification } from '../db/tables/notifications.js';
import { findOccupancies, type Occupancy, saveOccupancies } from '../db/tables/occupancy.js';
import { claimJobs, type PendingCalendar } from '../db/tables/pending-calendars.js';
import type { QueuePosition } from '../db/tables/queue-position.js';
import { findWindowPositions, recordWindowsReported } from '../db/tables/snapshots.js';
import { findWindows, saveWindows } from '../db/tables/windows.js';
import type { Problem } from '../lib/validation.js';
import { markDaysDirty } from '../marketplace-state/mark-days-dirty.js';
import { saveConflicts } from '../notifications/conflicts.js';
import { applyToState, type PositionedEvent } from './apply-to-state.js';
import { applyLinks } from './booking-links.js';
import { hashContent } from './event-hash.js';
import { eventHistory, rejectionHistory } from './event-history.js';
import { occupiedSchema, type ParsedOccupancyEvent } from './event-schema.js';
import { type EventOutcome, type EventsResult, toEventsResult } from './events-result.js';
import { type ParsedEvent, parseEvent } from './parse-event.js';
import { isProblems, type ResolvedEvent, resolveEvent, resolveInterval } from './resolve-event.js';

/** Events that share one result. */
export interface EventBatch {
  /** The raw events, not validated. */
  readonly events: readonly unknown[];
  /** The queue position of each event, where they come from a queue. */
  readonly positions?: readonly (QueuePosition | undefined)[] | undefined;
  /** The name of the API key, or the channel: `library` by default. */
  readonly actor?: string | undefined;
}

/** The work that follows the commit of a transaction. */
export interface Effects {
  /** The calendars that now have something to publish and no job for it. */
  readonly jobsToEnqueue: readonly PendingCalendar[];
  /** Notifications of new conflicts for the clinic. */
  readonly added: readonly AddedNotification[];
}

export interface Applied extends Effects {
  readonly result: EventsResult;
}

/** `locked`: nothing of the batch was applied, because another transaction has this calendar of it locked. */
export type BatchResult = EventsResult | { readonly locked: string };

export interface ApplyOptions {
  /** Encrypts the notifications of conflicts; without it none are added. */
  readonly encryptor?: Encryptor | undefined;
  /** Computes the result and rolls back. */
  readonly dryRun?: boolean | undefined;
  readonly positions?: EventBatch['positions'];
  readonly actor?: EventBatch['actor'];
}

/**
 * Applies one batch. It waits for locked calendars.
 * @param events raw, not validated
 * @param now epoch milliseconds
 */
export async function applyEvents(
  db: Db,
  events: readonly unknown[],
  now: number,
  { encryptor, dryRun = false, positions, actor }: ApplyOptions = {},
): Promise<Applied> {
  const batch = parseBatch({ events, positions, actor });
  return await retryDeadlock(async () => {
    if (dryRun)
      return { ...(await runAndRollBack(db, (tx) => apply(tx, batch, now, encryptor))), ...NO_EFFECTS };
    return await db.transaction().execute((tx) => apply(tx, batch, now, encryptor, COMMIT));
  });
}

/**
 * Applies several batches in one transaction. A batch with a calendar that another transaction has locked is left out.
 * @param now epoch milliseconds
 * @returns the results in the order of the batches
 */
export async function applyBatches(
  db: Db,
  batches: readonly EventBatch[],
  now: number,
  encryptor: Encryptor | undefined,
): Promise<Effects & { readonly results: readonly BatchResult[] }> {
  const parsed = batches.map(parseBatch);
  return await retryDeadlock(() =>
    db.transaction().execute(async (tx) => {
      const events = parsed.flat();
      const [{ calendars, locked }, known] = await runPipelined(tx, (db) =>
        Promise.all([tryLockCalendars(db, calendarsOf(events)), findKnown(db, events)]),
      );
      const lockedIn = (batch: readonly BatchEvent[]): string | undefined =>
        calendarsOf(batch).find((calendar) => locked.has(calendar));
      const free = parsed.filter((batch) => lockedIn(batch) === undefined);
      const { outcomes, ...effects } = await applyParsed(
        tx,
        free.flat(),
        { ...known, calendars },
        now,
        encryptor,
        COMMIT,
      );
      const results = parsed.map((batch): BatchResult => {
        const calendar = lockedIn(batch);
        return calendar === undefined ? toEventsResult(batch, outcomes) : { locked: calendar };
      });
      return { ...effects, results };
    }),
  );
}

const NO_EFFECTS: Effects = { jobsToEnqueue: [], added: [] };

/** Runs the work in a transaction and rolls it back. */
async function runAndRollBack<T>(db: Db, work: (tx: Db) => Promise<T>): Promise<T> {
  const tx = await db.startTransaction().execute();
  try {
    return await work(tx);
  } finally {
    await tx.rollback().execute();
  }
}

interface BatchEvent extends ParsedEvent {
  readonly raw: unknown;
  readonly position: QueuePosition | undefined;
  readonly actor: string;
}

const parseBatch = ({ events, positions = [], actor = 'library' }: EventBatch): BatchEvent[] =>
  events.map((raw, n) => ({ raw, position: positions[n], actor, ...parseEvent(raw) }));

const calendarsOf = (events: readonly BatchEvent[]): string[] => [
  ...new Set(events.flatMap(({ calendar }) => calendar ?? [])),
];

async function apply(
  tx: Db,
  batch: readonly BatchEvent[],
  now: number,
  encryptor: Encryptor | undefined,
  end?: typeof COMMIT,
): Promise<Applied> {
  const [calendars, known] = await runPipelined(tx, (db) =>
    Promise.all([lockCalendars(db, calendarsOf(batch)), findKnown(db, batch)]),
  );
  const { outcomes, ...effects } = await applyParsed(tx, batch, { ...known, calendars }, now, encryptor, end);
  return { ...effects, result: toEventsResult(batch, outcomes) };
}

interface ResolvedBatchEvent {
  readonly source: BatchEvent;
  readonly id: string;
  readonly event: PositionedEvent;
  readonly content: string;
}

/** What the database has about the events of a batch. */
interface Known {
  /** The calendars of the events, locked. */
  readonly calendars: ReadonlyMap<string, LockedCalendar>;
  /** The content hashes of the event ids that are recorded already. */
  readonly hashes: ReadonlyMap<string, string | null>;
  readonly occupancies: readonly Occupancy[];
  /** The bookings that the events may concern. */
  readonly bookings: readonly NearbyBooking[];
}

/** Sent together with the locks of the calendars, whose time zones are not known yet. */
async function findKnown(db: Db, batch: readonly BatchEvent[]): Promise<Omit<Known, 'calendars'>> {
  const appointments = batch.flatMap(({ event }) =>
    event === undefined || event.type === 'available'
      ? []
      : [{ calendar: event.calendar, ref: event.ref, interval: approximateInterval(event) }],
  );
  const refs = new Map(appointments.map((one) => [JSON.stringify([one.calendar, one.ref]), one]));
  const [hashes, occupancies, bookings] = await Promise.all([
    findEventHashes(db, [...new Set(batch.flatMap(({ id }) => id ?? []))]),
    findOccupancies(
      db,
      [...refs.values()].map(({ calendar, ref }) => ({ calendar, ref })),
    ),
    findBookingsNear(db, appointments),
  ]);
  return { hashes, occupancies, bookings };
}

/** Contains the interval of the event in every time zone. */
function approximateInterval(event: ParsedOccupancyEvent): { start: Date; end: Date } | undefined {
  if (event.type !== 'occupied') return undefined;
  const instants = [event.start, event.end].map((instant) => parseInstant(instant, 'UTC', ''));
  return { start: new Date(Math.min(...instants) - DAY), end: new Date(Math.max(...instants) + DAY) };
}

/** Whether one of the bookings is linked to the appointment of an event, or overlaps its interval. */
function concernsBooking(events: readonly PositionedEvent[], bookings: readonly NearbyBooking[]): boolean {
  return bookings.some(({ calendar, ref, start, end }) =>
    events.some(
      (event) =>
        event.calendar === calendar &&
        event.type !== 'available' &&
        (event.ref === ref ||
          (event.type === 'occupied' &&
            event.interval.start < end.getTime() &&
            event.interval.end > start.getTime())),
    ),
  );
}

/** @param end sent with the last statements: the commit of the transaction */
async function applyParsed(
  tx: Db,
  parsed: readonly BatchEvent[],
  { calendars, hashes, occupancies, bookings }: Known,
  now: number,
  encryptor: Encryptor | undefined,
  end: typeof COMMIT | undefined,
): Promise<Effects & { readonly outcomes: ReadonlyMap<BatchEvent, EventOutcome> }> {
  const at = new Date(now);
  const outcomes = new Map<BatchEvent, EventOutcome>();
  const resolved = resolveAll(parsed, calendars, outcomes);
  const firsts = new Map(resolved.toReversed().map((one) => [one.id, one]));
  const dates = datesOf(resolved.map(({ event }) => event));
  const [windows, positions] = await runPipelined(tx, (db) =>
    Promise.all([findWindows(db, dates), findWindowPositions(db, dates)]),
  );
  const fresh: ResolvedBatchEvent[] = [];
  for (const one of resolved) {
    if (firsts.get(one.id) === one && !hashes.has(one.id)) fresh.push(one);
    else outcomes.set(one.source, { kind: 'duplicate', differs: differs(one, firsts, hashes) });
  }
  const events = fresh.map(({ event }) => event);
  const applied = applyToState(events, { calendars, occupancies, windows, positions }, now);
  for (const [n, { source, event }] of fresh.entries()) {
    const kind = applied.outcomes[n] ?? 'stale';
    outcomes.set(source, kind === 'accepted' ? { kind, isPast: isPast(event, calendars, now) } : { kind });
  }

  // A stale event changes nothing, also no link of a booking.
  const accepted = events.flatMap((event, n) =>
    event.type === 'available' || applied.outcomes[n] !== 'accepted' ? [] : [event],
  );
  const changed = accepted.map(({ calendar, ref }) => ({ calendar, ref }));
  const saving = (db: Db) => [saveOccupancies(db, applied.occupancies, at), saveWindows(db, applied.windows)];
  const links = accepted.flatMap((event) =>
    event.type === 'occupied' && event.booking !== undefined
      ? [{ calendar: event.calendar, booking: event.booking, ref: event.ref }]
      : [],
  );
  let linked: Awaited<ReturnType<typeof applyLinks>> = { days: [], appointments: [] };
  if (links.length > 0) {
    await runPipelined(tx, (db) => Promise.all(saving(db)));
    linked = await applyLinks(tx, calendars, links, now);
  }
  const days = {
    windows: applied.changedByWindows,
    occupancy: [...applied.changedByOccupancy, ...linked.days],
  };
  const history = [
    ...eventHistory(
      fresh.map(({ id, event, source }, n) => {
        return { id, event, actor: source.actor, outcome: applied.outcomes[n] ?? 'stale' };
      }),
      calendars,
      occupancies,
      at,
    ),
    ...rejections(outcomes, calendars, at),
  ];
  // Without a booking nothing follows from the results of these statements, and the transaction ends with them.
  const needsBookings = links.length > 0 || concernsBooking(accepted, bookings);
  const [, jobsToEnqueue, toSync, conflicts] = await runPipelined(tx, async (db) => {
    const saved = links.length > 0 ? [] : saving(db);
    return await Promise.all([
      saveHistory(db, history),
      markDaysDirty(db, days, now, 'event'),
      needsBookings ? startSyncOfAppointments(db, changed) : [],
      needsBookings && encryptor !== undefined
        ? findConflictsOfAppointments(db, [...changed, ...linked.appointments])
        : [],
      recordEvents(db, fresh, at),
      recordLastEvent(db, calendars.values(), at),
      recordWindowsReported(db, applied.replaced, at),
      ...saved,
      needsBookings ? undefined : end?.execute(db),
    ]);
  });
  if (!needsBookings) return { jobsToEnqueue, added: [], outcomes };
  const syncJobs = toSync.map((calendar) => ({ calendar, priority: LOWEST_PRIORITY }));
  const [claimed, added] = await runPipelined(tx, (db) =>
    Promise.all([
      executePart(db, claimJobs(syncJobs)),
      saveConflicts(db, encryptor, conflicts, now),
      end?.execute(db),
    ]),
  );
  return { jobsToEnqueue: [...jobsToEnqueue, ...claimed], added, outcomes };
}

function rejections(
  outcomes: ReadonlyMap<BatchEvent, EventOutcome>,
  calendars: ReadonlyMap<string, LockedCalendar>,
  at: Date,
): NewHistoryEntry[] {
  return [...outcomes].flatMap(([{ calendar, id, actor }, outcome]) =>
    outcome.kind === 'rejected' && calendar !== undefined && calendars.has(calendar)
      ? [rejectionHistory(calendar, id, outcome.problems, actor, at)]
      : [],
  );
}

/** The dates whose windows the events replace. */
function datesOf(events: readonly ResolvedEvent[]) {
  const dates = new Map<string, { calendar: string; date: string }>();
  for (const event of events) {
    if (event.type !== 'available') continue;
    const { calendar } = event;
    for (const date of event.dates.keys()) dates.set(`${date} ${calendar}`, { calendar, date });
  }
  return [...dates.values()];
}

/** Whether a duplicate differs from the first event of its id, as far as the first one's hash is known. */
function differs(
  { id, content }: ResolvedBatchEvent,
  firsts: ReadonlyMap<string, ResolvedBatchEvent>,
  contents: ReadonlyMap<string, string | null>,
): boolean {
  const first = contents.has(id) ? contents.get(id) : firsts.get(id)?.content;
  return first != null && first !== content;
}

function isPast(event: ResolvedEvent, calendars: ReadonlyMap<string, LockedCalendar>, now: number): boolean {
  if (event.type === 'occupied') return event.interval.end <= now;
  const timeZone = calendars.get(event.calendar)?.timeZone;
  if (event.type !== 'available' || timeZone === undefined) return false;
  const today = localDate(now, timeZone);
  return [...event.dates.keys()].every((date) => date < today);
}

/** @param outcomes receives the outcomes of rejected events */
function resolveAll(
  events: readonly BatchEvent[],
  calendars: ReadonlyMap<string, LockedCalendar>,
  outcomes: Map<BatchEvent, EventOutcome>,
): ResolvedBatchEvent[] {
  const resolved: ResolvedBatchEvent[] = [];
  for (const one of events) {
    const { id, position } = one;
    const calendar = one.calendar === undefined ? undefined : calendars.get(one.calendar);
    const resolution = one.event && calendar && resolveEvent(one.event, calendar);
    const problems = [
      ...one.problems,
      ...findCalendarProblems(one.calendar, calendar),
      ...(one.event === undefined && calendar !== undefined ? findOrderProblems(one.raw, calendar) : []),
      ...(resolution?.success === false ? resolution.problems : []),
    ];
    if (problems.length > 0) outcomes.set(one, { kind: 'rejected', problems });
    else if (resolution?.success === true && id !== null) {
      const { event } = resolution;
      resolved.push({ source: one, id, event: { ...event, position }, content: hashContent(event) });
    }
  }
  return resolved;
}

function findCalendarProblems(id: string | undefined, calendar: LockedCalendar | undefined): Problem[] {
  if (id === undefined) return [];
  if (calendar === undefined || calendar.formerOf !== undefined) {
    return [{ path: 'calendar', reason: `there is no calendar "${id}"` }];
  }
  return calendar.isClosing ? [{ path: 'calendar', reason: `the calendar "${id}" is being deleted` }] : [];
}

const instants = occupiedSchema.pick({ type: true, start: true, end: true });

/** Compares the times of an event that is invalid for another reason, so that all its problems are reported at once. */
function findOrderProblems(raw: unknown, { timeZone }: LockedCalendar): readonly Problem[] {
  const { data } = instants.safeParse(raw);
  const interval = data && resolveInterval(data, timeZone);
  return interval !== undefined && isProblems(interval) ? interval : [];
}
