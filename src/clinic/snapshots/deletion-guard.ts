/**
 * Weighs what would be lost against what lies ahead: more than the configured share of a calendar's future windows or
 * occupancies, or of its account's within one run, or all of either, waits for a person.
 */

import { DAY } from '../../core/duration.js';
import type { Db } from '../../db/schema.js';
import { getCalendar } from '../../db/tables/calendars.js';
import {
  type Amount,
  addRunDeletions,
  amountAhead,
  runDeletions,
  type Scope,
} from '../../db/tables/deletions.js';
import type { LockedCalendar } from '../../db/tables/events.js';
import type { Deletion } from '../../db/tables/held-changes.js';
import type { SnapshotPlan } from './plan-snapshot.js';
import { countDeletedMinutes } from './window-coverage.js';

export interface DeletionGuardOptions {
  /** From 0 to 1: more than this share of what lies ahead is held. */
  readonly share: number;
}

interface Weighed {
  readonly scope: Scope;
  readonly lost: Amount;
  readonly total: Amount;
}

/** What of a calendar is looked at: twelve weeks, as long as the horizon. */
export const AHEAD_MS = 84 * DAY;
/** Fewer releases than this are no sign of an accident, as long as some appointments are left. */
const MIN_RELEASES = 5;
/** As many that leave none look like a list that came empty; one alone is soon cancelled. */
const MIN_TO_EMPTY = 2;
/** Windows may have fractions of a minute; sums of them are not exact. */
const NOTHING = 0.01;

/**
 * @param options `run` names an import or a pull of a source, whose deletions count together; `now` in epoch milliseconds
 * @returns what is too much of it; the run's deletions are added up, its account's also where they are held
 */
export async function checkDeletions(
  tx: Db,
  calendar: LockedCalendar,
  plan: SnapshotPlan,
  { share }: DeletionGuardOptions,
  { run, now }: { readonly run?: string | undefined; readonly now: number },
): Promise<readonly Deletion[]> {
  const { lost, gained } = changeOf(plan, now);
  if (lost.minutes < NOTHING && lost.occupancies === 0) return [];
  const [at, until] = [new Date(now), new Date(now + AHEAD_MS)];
  const mine: Scope = { scope: 'calendar', id: calendar.id };
  const scopes = run === undefined ? [mine] : [mine, await accountOf(tx, calendar.id)];
  const weighed: Weighed[] = [];
  for (const scope of scopes) {
    const before = run === undefined ? undefined : await runDeletions(tx, run, scope);
    const total = before?.total ?? (await amountAhead(tx, scope, at, until));
    weighed.push({ scope, lost: sum(before?.lost, lost), total });
  }
  const deletions = weighed.flatMap((one) => tooMuch(one, share));
  const ahead = await amountAhead(tx, mine, at, until);
  for (const loss of emptied({ lost, gained, ahead }, weighed[0]?.lost ?? lost)) {
    if (!deletions.some(({ scope, of }) => scope === loss.scope && of === loss.of)) deletions.push(loss);
  }
  if (run === undefined) return deletions;
  for (const { scope, total } of weighed) {
    // What is held is not lost. But of an account it tells what the run is like: the others' parts are weighed with it.
    const isWeighed = deletions.length === 0 || scope.scope === 'account';
    if (isWeighed) await addRunDeletions(tx, run, scope, total, lost, at);
  }
  return deletions;
}

/** What would be lost of what lies ahead, and what comes in its place: minutes of new windows, changed occupancies. */
function changeOf({ dates, missing, occupied }: SnapshotPlan, now: number): { lost: Amount; gained: Amount } {
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

async function accountOf(tx: Db, calendar: string): Promise<Scope> {
  return { scope: 'account', id: (await getCalendar(tx, calendar))?.account ?? '' };
}

function tooMuch({ scope: { scope }, lost, total }: Weighed, share: number): Deletion[] {
  const deletions: Deletion[] = [];
  if (lost.minutes > share * total.minutes + NOTHING) {
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

/** Where nothing would be left of a calendar, and nothing comes in its place: whatever the share, however few. */
function emptied(
  { lost, gained, ahead }: { readonly lost: Amount; readonly gained: Amount; readonly ahead: Amount },
  lostInAll: Amount,
): Deletion[] {
  const deletions: Deletion[] = [];
  if (lost.minutes >= NOTHING && ahead.minutes - lost.minutes + gained.minutes < NOTHING) {
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

const sum = (before: Amount | undefined, more: Amount): Amount => ({
  minutes: (before?.minutes ?? 0) + more.minutes,
  occupancies: (before?.occupancies ?? 0) + more.occupancies,
});
