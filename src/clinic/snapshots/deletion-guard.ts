/**
 * Limits the deletions of a snapshot. A snapshot is held for a person if it would delete more than the configured share of a
 * calendar's future windows or occupancies, or of its account's within one run, or all of a calendar's.
 */

import { DAY } from '../../core/duration.js';
import type { Db } from '../../db/schema.js';
import { getCalendar } from '../../db/tables/calendars.js';
import {
  countUpcoming,
  type DeletionScope,
  lockRunDeletions,
  recordRunDeletions,
  type UpcomingAmount,
} from '../../db/tables/deletions.js';
import type { Deletion } from '../../db/tables/held-changes.js';
import type { LockedCalendar } from '../../db/tables/locked-calendars.js';
import type { SnapshotPlan } from './plan-snapshot.js';
import { countDeletedMinutes } from './window-coverage.js';

export interface DeletionGuardOptions {
  /** From 0 to 1: a deletion of more than this share of the future state is held. */
  readonly share: number;
}

interface ScopeDeletions {
  readonly scope: DeletionScope;
  readonly lost: UpcomingAmount;
  readonly total: UpcomingAmount;
}

/** How far into the future state counts: twelve weeks, the length of the horizon. */
export const AHEAD_MS = 84 * DAY;
/** Fewer releases than this are not held while some appointments are left. */
const MIN_RELEASES = 5;
/** As many releases that leave no appointment are held, because they look like an empty list; a single one is a usual cancellation. */
const MIN_TO_EMPTY = 2;
/** The tolerance of sums of minutes, which are not exact. */
const EPSILON = 0.01;

/**
 * @param options `run` names an import or a pull of a source, whose deletions count together; `now` in epoch milliseconds
 * @returns the deletions that exceed the guard. The run's deletions are summed up, those of its account also where they are held
 */
export async function checkDeletions(
  tx: Db,
  calendar: LockedCalendar,
  plan: SnapshotPlan,
  { share }: DeletionGuardOptions,
  { run, now }: { readonly run?: string | undefined; readonly now: number },
): Promise<readonly Deletion[]> {
  const { lost, gained } = changeOf(plan, now);
  if (lost.minutes < EPSILON && lost.occupancies === 0) return [];
  const [at, until] = [new Date(now), new Date(now + AHEAD_MS)];
  const calendarScope: DeletionScope = { scope: 'calendar', id: calendar.id };
  const scopes = run === undefined ? [calendarScope] : [calendarScope, await accountOf(tx, calendar.id)];
  const counted: ScopeDeletions[] = [];
  for (const scope of scopes) {
    const before = run === undefined ? undefined : await lockRunDeletions(tx, run, scope);
    const total = before?.total ?? (await countUpcoming(tx, scope, at, until));
    counted.push({ scope, lost: sum(before?.deleted, lost), total });
  }
  const deletions = counted.flatMap((one) => excessiveDeletions(one, share));
  const ahead = await countUpcoming(tx, calendarScope, at, until);
  for (const deletion of emptyingDeletions({ lost, gained, ahead }, counted[0]?.lost ?? lost)) {
    if (!deletions.some(({ scope, of }) => scope === deletion.scope && of === deletion.of))
      deletions.push(deletion);
  }
  if (run === undefined) return deletions;
  for (const { scope, total } of counted) {
    // A held change deletes nothing of the calendar. It counts for the account, so that the run's other snapshots are limited with it.
    const counts = deletions.length === 0 || scope.scope === 'account';
    if (counts) await recordRunDeletions(tx, run, scope, total, lost, at);
  }
  return deletions;
}

/** The future state that would be deleted, and what replaces it: minutes of new windows, changed occupancies. */
function changeOf(
  { dates, missing, occupied }: SnapshotPlan,
  now: number,
): { lost: UpcomingAmount; gained: UpcomingAmount } {
  const [lost, gained] = [
    { minutes: 0, occupancies: 0 },
    { minutes: 0, occupancies: 0 },
  ];
  for (const { before, requested } of dates) {
    lost.minutes += countDeletedMinutes(before, requested, now, now + AHEAD_MS);
    gained.minutes += countDeletedMinutes(requested, before, now, now + AHEAD_MS);
  }
  lost.occupancies = missing.filter(({ interval }) => (interval?.end.getTime() ?? 0) > now).length;
  gained.occupancies = occupied.filter(({ interval }) => interval.end > now).length;
  return { lost, gained };
}

async function accountOf(tx: Db, calendar: string): Promise<DeletionScope> {
  return { scope: 'account', id: (await getCalendar(tx, calendar))?.account ?? '' };
}

function excessiveDeletions({ scope: { scope }, lost, total }: ScopeDeletions, share: number): Deletion[] {
  const deletions: Deletion[] = [];
  if (lost.minutes > share * total.minutes + EPSILON) {
    deletions.push({
      scope,
      of: 'windows',
      lost: Math.round(lost.minutes),
      total: Math.round(total.minutes),
    });
  }
  if (lost.occupancies >= MIN_RELEASES && lost.occupancies > share * total.occupancies) {
    deletions.push({ scope, of: 'occupancies', lost: lost.occupancies, total: total.occupancies });
  }
  return deletions;
}

/** Deletions that leave nothing of a calendar and that nothing replaces: they are held whatever the share. */
function emptyingDeletions(
  {
    lost,
    gained,
    ahead,
  }: { readonly lost: UpcomingAmount; readonly gained: UpcomingAmount; readonly ahead: UpcomingAmount },
  lostInAll: UpcomingAmount,
): Deletion[] {
  const deletions: Deletion[] = [];
  if (lost.minutes >= EPSILON && ahead.minutes - lost.minutes + gained.minutes < EPSILON) {
    deletions.push({ scope: 'calendar', of: 'windows', lost: lost.minutes, total: ahead.minutes });
  }
  const isLast = lost.occupancies > 0 && ahead.occupancies <= lost.occupancies && gained.occupancies === 0;
  if (isLast && lostInAll.occupancies >= MIN_TO_EMPTY) {
    deletions.push({
      scope: 'calendar',
      of: 'occupancies',
      lost: lost.occupancies,
      total: ahead.occupancies,
    });
  }
  return deletions;
}

const sum = (before: UpcomingAmount | undefined, more: UpcomingAmount): UpcomingAmount => ({
  minutes: (before?.minutes ?? 0) + more.minutes,
  occupancies: (before?.occupancies ?? 0) + more.occupancies,
});
