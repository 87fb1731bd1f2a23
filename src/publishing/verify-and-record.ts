/**
 * The end of publishing some days: what the marketplace shows is read, again where it differs, and it is written down how it
 * went. Between two readings nothing of the calendar is held up: when the next is due is in the record.
 */

import { classifyError } from '../context/classify-error.js';
import type { CalendarContext } from '../context/context.js';
import { toIso } from '../core/index.js';
import {
  type AddressBehavior,
  getAddressBehavior,
  saveAddressBehavior,
} from '../db/tables/address-behavior.js';
import { clearVerified, savePublished, saveTold } from '../db/tables/days.js';
import {
  deleteVerifications,
  type OpenVerification,
  openVerifications,
  saveVerifications,
  type Verification,
} from '../db/tables/verifications.js';
import { backoffMs, RETRY } from '../lib/backoff.js';
import type { Interval } from '../marketplace-state/dirty-days.js';
import { requiredBlocksOf } from './blocking/required-blocks.js';
import { busyTimeOn, type WantedDay } from './desired-days.js';
import type { Difference, Judged, SentDay, Start } from './diff-availability.js';
import { dayFailed } from './fallback-closing.js';
import { horizonOf } from './horizon.js';
import { lagFrom, outcomeOf, READ_AFTER_MS, SETTLED_MS, type Standing } from './verification.js';
import { verifyPublication } from './verify-publication.js';

/** Of every so many publishes one is read back, where `verify` is `sampled`. */
const SAMPLE = 1 / 10;
const MINUTE = 60_000;
const DIFFERS = 'the marketplace shows something else than it was told, also after a repair';

/** A day that is to be read. */
interface Check extends Verification, SentDay {
  readonly priority: number | null;
  readonly isFailed: boolean;
  /** Whether the record knows yet that it was told, and waits for a reading. */
  readonly isSaved: boolean;
}

/**
 * Days that were just told, or are shown as they were told.
 * @param hidden what must not show although it is in the slots
 */
export async function verifyAndRecord(
  run: CalendarContext,
  days: readonly WantedDay[],
  hidden: readonly Interval[] = [],
): Promise<void> {
  if (days.length === 0) return;
  const open = await openOf(run);
  const openOn = new Map(open.map((one) => [one.date, one]));
  const ofBefore = ({ date, generation }: WantedDay): OpenVerification | undefined => {
    const one = openOn.get(date);
    return one?.generation === generation ? one : undefined;
  };
  const wantsReading =
    run.verify === 'always' ||
    (run.verify === 'sampled' && run.random() < SAMPLE) ||
    days.some((day) => ofBefore(day)?.repaired === true);
  if (!wantsReading) {
    // A 2xx is taken for the truth.
    await saveAsPublished(run, days, true);
    return;
  }
  const writtenAt = new Date(run.now());
  const { readLagMs } = await getAddressBehavior(run.db, run.calendar.id);
  // Where readings of the write before this one still differed, the first of this one may show what was before both.
  const afterMs = days.reduce((most, { date, generation }) => {
    const one = openOn.get(date);
    const isOlder = one !== undefined && one.generation < generation && one.differing > 0;
    return isOlder && one.dueAt !== null
      ? Math.max(most, one.dueAt.getTime() - one.writtenAt.getTime())
      : most;
  }, readLagMs);
  const dueAt = new Date(run.now() + Math.min(afterMs, READ_AFTER_MS.at(-1) ?? 0));
  const checks = days.map((day): Check => {
    const { date, generation, wanted: slots, priority } = day;
    const repaired = ofBefore(day)?.repaired ?? false;
    const fresh = { writtenAt, dueAt, differing: 0, unread: 0, repaired };
    return { date, generation, slots, priority, ...fresh, isFailed: false, isSaved: false };
  });
  if (afterMs > 0) {
    await saveWaiting(run, checks);
    return;
  }
  const dates = new Set(days.map(({ date }) => date));
  const others = open.filter(({ date, isCurrent }) => isCurrent && !dates.has(date)).map(toCheck);
  await read(run, checks, others, hidden);
}

/** Days that are shown as they were told, or are still to be seen so. */
export async function settle(run: CalendarContext, days: readonly WantedDay[]): Promise<void> {
  const open = new Map((await openOf(run)).map((one) => [one.date, one]));
  const unseen = days.flatMap((day): Check[] => {
    const one = open.get(day.date);
    if (one === undefined || one.dueAt === null) return [];
    const { date, generation, wanted: slots, priority } = day;
    return [{ ...one, date, generation, slots, priority, isFailed: false, isSaved: true }];
  });
  const isUnseen = new Set(unseen.map(({ date }) => date));
  await saveVerifications(run.db, run.calendar.id, unseen.map(toVerification));
  await saveAsPublished(
    run,
    days.filter(({ date }) => !isUnseen.has(date)),
    true,
  );
}

export type Verified =
  /** Nothing is to be read. */
  | { readonly kind: 'done' }
  /** There are days to write again. */
  | { readonly kind: 'repair' }
  /** There is something to be read then. */
  | { readonly kind: 'later'; readonly afterMs: number };

/** Reads what is due. */
export async function verifyDue(run: CalendarContext): Promise<Verified> {
  const open = await currentOf(run);
  const due = open.filter(
    ({ isFailed, dueAt }) => !isFailed && dueAt !== null && dueAt.getTime() <= run.now(),
  );
  if (due.length === 0) return nextOf(run, open);
  const others = open.filter((one) => !due.includes(one));
  const hidden = await hiddenOn(run, open);
  const repairs = await read(run, due, others, hidden);
  return repairs ? { kind: 'repair' } : nextOf(run, await currentOf(run));
}

function nextOf(run: CalendarContext, open: readonly Check[]): Verified {
  const dues = open.flatMap(({ isFailed, dueAt }) => (isFailed || dueAt === null ? [] : [dueAt.getTime()]));
  return dues.length === 0
    ? { kind: 'done' }
    : { kind: 'later', afterMs: Math.max(0, Math.min(...dues) - run.now()) };
}

async function openOf({ db, calendar, account, now }: CalendarContext): Promise<OpenVerification[]> {
  const { from } = horizonOf(account.timeZone, now());
  return await openVerifications(db, calendar.id, from, new Date(now()));
}

async function currentOf(run: CalendarContext): Promise<Check[]> {
  return (await openOf(run)).filter(({ isCurrent }) => isCurrent).map(toCheck);
}

const toCheck = ({ published, ...one }: OpenVerification): Check => ({
  ...one,
  slots: published ?? [],
  isSaved: true,
});

async function hiddenOn(run: CalendarContext, days: readonly Check[]): Promise<readonly Interval[]> {
  const { db, calendar, account } = run;
  const [from, to] = [days[0]?.date, days.at(-1)?.date];
  if (calendar.strategy === 'slots' || from === undefined || to === undefined) return [];
  return requiredBlocksOf(await busyTimeOn(db, calendar, account, from, to), calendar);
}

/**
 * One reading for all of them.
 * @param others what it also tells, where it reaches them
 * @returns whether there are days to write again
 */
async function read(
  run: CalendarContext,
  due: readonly Check[],
  others: readonly Check[],
  hidden: readonly Interval[],
): Promise<boolean> {
  const { db, calendar } = run;
  const dates = due.map(({ date }) => date).sort();
  const [from = '', to = ''] = [dates[0], dates.at(-1)];
  const checks = [
    ...due,
    ...others.filter(({ date, dueAt }) => from <= date && date <= to && dueAt !== null),
  ];
  const readAt = run.now();
  const behavior = await getAddressBehavior(db, calendar.id);
  // In between, what is missing is not looked for: it is not the last word anyway.
  const explains = due.some((one) => one.differing === 0 || readAt - one.writtenAt.getTime() >= SETTLED_MS);
  let judged: readonly Judged[];
  try {
    judged = await verifyPublication(run, checks, { hidden, cut: behavior.cut, explains });
  } catch (error) {
    await couldNotRead(run, due, error);
    return false;
  }
  const shown = new Map(judged.map((one) => [one.date, one]));
  const agreed: Check[] = [];
  const again: Check[] = [];
  const repairs: Check[] = [];
  const failed: { readonly check: Check; readonly difference: Difference }[] = [];
  for (const check of checks) {
    const difference = shown.get(check.date)?.difference;
    const outcome = outcomeOf(standingOf(check), difference, readAt, behavior.readLagMs);
    if (outcome.kind === 'agrees' || difference === undefined) agreed.push(check);
    else if (!due.includes(check)) continue;
    else if (outcome.kind === 'repair') repairs.push(check);
    else if (outcome.kind === 'failed') failed.push({ check, difference });
    else {
      const dueAt = new Date(outcome.at);
      again.push({ ...check, dueAt, differing: check.differing + 1, unread: 0 });
    }
  }
  await saveObservedState(run, behavior, agreed, shown, readAt);
  await savePublishedDays(run, agreed, true);
  await saveWaiting(run, again);
  await saveRepairs(run, repairs);
  await saveFailures(run, failed);
  return repairs.length > 0;
}

/** What the days that agree say about the address. */
async function saveObservedState(
  run: CalendarContext,
  behavior: AddressBehavior,
  agreed: readonly Check[],
  shown: ReadonlyMap<string, Judged>,
  readAt: number,
): Promise<void> {
  const { db, calendar, log } = run;
  const cuts = new Set(
    agreed.flatMap(({ date }) => shown.get(date)?.cut ?? shown.get(date)?.difference?.otherCut ?? []),
  );
  const [seen] = cuts;
  const cut = cuts.size === 1 ? seen : behavior.cut;
  const told = agreed.filter(({ isFailed }) => !isFailed);
  const late = told.filter(({ differing }) => differing > 0);
  const lags = (late.length > 0 ? late : told).map((one) =>
    lagFrom(standingOf(one), readAt, behavior.readLagMs),
  );
  const readLagMs = lags.length > 0 ? Math.max(...lags) : behavior.readLagMs;
  if (cut === behavior.cut && readLagMs === behavior.readLagMs) return;
  await saveAddressBehavior(db, calendar, { cut, readLagMs });
  log.info({ calendar: calendar.id, cut, readLagMs }, 'the address was seen to behave otherwise than before');
}

async function saveWaiting(run: CalendarContext, checks: readonly Check[]): Promise<void> {
  if (checks.length === 0) return;
  const { db, calendar } = run;
  await db.transaction().execute(async (tx) => {
    const news = checks.filter(({ isSaved }) => !isSaved);
    await saveTold(tx, calendar.id, news, new Date(run.now()));
    await saveVerifications(tx, calendar.id, checks.map(toVerification));
  });
}

async function saveRepairs(run: CalendarContext, checks: readonly Check[]): Promise<void> {
  if (checks.length === 0) return;
  const { db, calendar, log } = run;
  const days = checks.map(({ date }) => date);
  log.warn({ calendar: calendar.id, days }, 'the marketplace shows something else than it was told');
  await saveWaiting(
    run,
    checks.map((one) => ({ ...one, dueAt: null, differing: 0, unread: 0, repaired: true })),
  );
  await clearVerified(db, calendar.id, days);
}

async function saveFailures(
  run: CalendarContext,
  failed: readonly { readonly check: Check; readonly difference: Difference }[],
): Promise<void> {
  if (failed.length === 0) return;
  const { db, calendar, account, now } = run;
  const spell = ({ at, service }: Start): string =>
    `${toIso(at, account.timeZone)}${service === undefined ? '' : ` (${service})`}`;
  // When it is tried again, it is read first: a reading may have been all that failed.
  await saveWaiting(
    run,
    failed.map(({ check }) => ({
      ...check,
      dueAt: new Date(now()),
      differing: 0,
      unread: 0,
      repaired: false,
    })),
  );
  for (const { check, difference } of failed) {
    const { expected, shown, extra } = difference;
    const error = { reason: DIFFERS, expected: expected.map(spell), shown: shown.map(spell) };
    // What is shown although it is not to be sold is hidden: its slots are not what the marketplace goes by.
    const closed = await dayFailed(
      run,
      check,
      error,
      ['break', 'clear'],
      extra.map((one) => spanOf(one, check)),
    );
    // A day that was cleared is to be written before it is read.
    if (closed === 'clear') await deleteVerifications(db, calendar.id, [check]);
  }
}

/** The visit that a patient can book there, as far as the slots that were sent say how long it is. */
function spanOf({ at, service }: Start, { slots }: SentDay): Interval {
  const services = slots.flatMap(({ address_services: all }) => all);
  const lengths = services.flatMap(({ address_service_id: id, duration }) =>
    service === undefined || id === service ? [duration] : [],
  );
  return { start: at, end: at + Math.max(1, ...lengths) * MINUTE };
}

/** That is not a difference: it is tried again, but for what would be refused again. */
async function couldNotRead(run: CalendarContext, due: readonly Check[], error: unknown): Promise<void> {
  const { calendar, log, now, random } = run;
  const failure = classifyError(error, now());
  if (failure.kind === 'unknown') throw error;
  log.warn({ calendar: calendar.id, reason: failure.reason }, 'what was published could not be read back');
  const openCircuitMs = failure.kind === 'firewall' ? await run.openCircuit(failure.reason) : 0;
  if (failure.kind === 'give-up' || run.verify !== 'always') {
    await savePublishedDays(run, due, run.verify !== 'always');
    return;
  }
  await saveWaiting(
    run,
    due.map((one) => {
      const unread = one.unread + (failure.kind === 'retry' ? 1 : 0);
      const backoff = failure.kind === 'retry' ? backoffMs(RETRY, unread, random()) : openCircuitMs;
      const afterMs = Math.max(backoff, failure.kind === 'firewall' ? 0 : (failure.afterMs ?? 0));
      return { ...one, unread, dueAt: new Date(now() + afterMs) };
    }),
  );
}

async function savePublishedDays(
  run: CalendarContext,
  checks: readonly Check[],
  verified: boolean,
): Promise<void> {
  if (checks.length === 0) return;
  const { db, calendar, account, now } = run;
  await savePublished(
    db,
    calendar,
    account,
    checks.map(({ date, generation, slots }) => ({ date, generation, slots, verified })),
    new Date(now()),
  );
  await deleteVerifications(
    db,
    calendar.id,
    checks.filter(({ isSaved }) => isSaved),
  );
}

export async function saveAsPublished(
  run: CalendarContext,
  days: readonly WantedDay[],
  verified: boolean,
): Promise<void> {
  await savePublished(
    run.db,
    run.calendar,
    run.account,
    days.map(({ date, generation, wanted }) => ({ date, generation, slots: wanted, verified })),
    new Date(run.now()),
  );
}

const standingOf = ({ writtenAt, differing, repaired }: Check): Standing => ({
  writtenAt: writtenAt.getTime(),
  differing,
  repaired,
});

const toVerification = (one: Check): Verification => {
  const { date, generation, writtenAt, dueAt, differing, unread, repaired } = one;
  return { date, generation, writtenAt, dueAt, differing, unread, repaired };
};
