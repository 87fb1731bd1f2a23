/**
 * Applies a held change that a person approved, to the present state. Dates and occupancies that were updated after the snapshot
 * stay as they are.
 */

import { retryDeadlock } from '../../db/retry.js';
import type { Db } from '../../db/schema.js';
import {
  deleteHeldChange,
  findHeldChanges,
  type HeldChange,
  heldChangeHistory,
} from '../../db/tables/held-changes.js';
import { saveHistory } from '../../db/tables/history.js';
import { type LockedCalendar, lockCalendars } from '../../db/tables/locked-calendars.js';
import type { PendingCalendar } from '../../db/tables/pending-calendars.js';
import {
  findOccupanciesAround,
  findReportedDates,
  type KnownOccupancy,
  recordWindowsReported,
} from '../../db/tables/snapshots.js';
import { listWindows } from '../../db/tables/windows.js';
import type { ResolvedEvent } from '../resolve-event.js';
import { findTouchedDates, firstAndLastDate, observedAtOf } from './observed-at.js';
import { saveChanges, windowsEvent } from './save-snapshot.js';

export interface ApprovedChange {
  readonly heldChange: HeldChange;
  readonly changedDays: number;
  readonly jobsToEnqueue: readonly PendingCalendar[];
}

/**
 * @param now epoch milliseconds
 * @param actor who approved it
 * @returns undefined where no held change of a snapshot has this id
 */
export async function approveHeldChange(
  db: Db,
  id: string,
  now: number,
  actor: string,
): Promise<ApprovedChange | undefined> {
  return await retryDeadlock(() => db.transaction().execute((tx) => approve(tx, id, now, actor)));
}

async function approve(tx: Db, id: string, now: number, actor: string): Promise<ApprovedChange | undefined> {
  const [found] = await findHeldChanges(tx, id);
  const calendar = found && (await lockCalendars(tx, [found.calendar])).get(found.calendar);
  // The held change is read again, because a newer snapshot may have replaced it before the calendar was locked.
  const [hold] = calendar ? await findHeldChanges(tx, id) : [];
  if (hold === undefined || calendar === undefined || hold.cause !== 'snapshot') return undefined;
  const { observedAt } = hold;
  const dates = hold.dates.map(({ date }) => date);
  const [first, last] = [dates[0] ?? hold.from, dates.at(-1) ?? hold.to];
  const known = await listWindows(tx, calendar.id, first, last);
  const reported = new Map(
    (await findReportedDates(tx, calendar.id, first, last)).map((one) => [one.date, one]),
  );
  const requested = hold.dates.flatMap(({ date, windows }) => {
    const isOlder = (reported.get(date)?.windowsAt?.getTime() ?? 0) <= observedAt.getTime();
    return windows !== undefined && isOlder ? [{ date, after: windows }] : [];
  });
  const occupancies = await findOccupanciesAround(tx, calendar.id, hold.releases, undefined);
  const releases = await findUnchanged(tx, calendar, occupancies, observedAt, new Set(dates));
  const saved = await saveChanges(
    tx,
    calendar,
    [
      ...windowsEvent(calendar.id, requested),
      ...releases.map(
        ({ ref }): ResolvedEvent => ({ type: 'released', calendar: calendar.id, ref, version: undefined }),
      ),
    ],
    {
      occupancies,
      windows: requested.map(({ date }) => ({
        calendar: calendar.id,
        date,
        windows: known.filter((window) => window.date === date),
      })),
    },
    observedAt,
    now,
    'approved',
  );
  await recordWindowsReported(
    tx,
    requested.map(({ date }) => ({ calendar: calendar.id, date })),
    observedAt,
  );
  await deleteHeldChange(tx, id);
  await saveHistory(tx, heldChangeHistory('approved', hold, new Date(now), actor));
  return { heldChange: hold, changedDays: saved.changedDays, jobsToEnqueue: saved.jobsToEnqueue };
}

/** The occupancies without newer state that lie in one of the held dates. */
async function findUnchanged(
  tx: Db,
  { id, timeZone }: LockedCalendar,
  occupancies: readonly KnownOccupancy[],
  observedAt: Date,
  dates: ReadonlySet<string>,
): Promise<KnownOccupancy[]> {
  const all = occupancies.flatMap((one) => firstAndLastDate(one, timeZone) ?? []).sort();
  const [first, last] = [all[0], all.at(-1)];
  if (first === undefined || last === undefined) return [];
  const reported = new Map((await findReportedDates(tx, id, first, last)).map((one) => [one.date, one]));
  return occupancies.filter(
    (one) =>
      findTouchedDates(one, timeZone, dates).length > 0 &&
      observedAtOf(one, timeZone, reported) <= observedAt.getTime(),
  );
}
