/**
 * The last step of publishing: reads what the marketplace shows, again where it differs, and records the result. Between two
 * reads the calendar is not blocked: the database has the time of the next read.
 */

import { classifyError } from '../context/classify-error.js';
import type { CalendarContext } from '../context/context.js';
import { MINUTE } from '../core/duration.js';
import { toIso } from '../core/index.js';
import type { Span } from '../core/span.js';
import {
  type AddressBehavior,
  getAddressBehavior,
  saveAddressBehavior,
} from '../db/tables/address-behavior.js';
import { clearVerified, type DayReading, saveAcceptedSlots } from '../db/tables/days.js';
import {
  deleteVerifications,
  listOpenVerifications,
  type OpenVerification,
  saveVerifications,
  type Verification,
} from '../db/tables/verifications.js';
import { backoffMs, RETRY } from '../lib/backoff.js';
import { DONE, requeueAfter, requeueNow, type WorkResult } from '../lib/work-result.js';
import { requiredBlocksOf } from './blocking/required-blocks.js';
import { type DesiredDay, findBusyTimeOn } from './desired-days.js';
import type { DayDiff, Difference, SentDay, Start } from './diff-availability.js';
import { failDay } from './fallback-closing.js';
import { horizonOf } from './horizon.js';
import { addReadHistory, type Publication, recordPublication } from './record-publication.js';
import {
  type Outcome,
  outcomeOf,
  READ_AFTER_MS,
  readLagFrom,
  SETTLED_MS,
  type VerificationState,
} from './verification.js';
import { verifyPublication } from './verify-publication.js';

/** The part of the publishes that is verified where `verify` is `sampled`. */
const SAMPLE = 1 / 10;
const DIFFERS = 'the marketplace shows something else than was published, also after a repair';

/** A day whose publication is to be verified. */
interface Check extends Verification, SentDay {
  readonly priority: number | null;
  readonly isFailed: boolean;
  /** Whether the database has the publication and its verification. */
  readonly isSaved: boolean;
  /** What a read showed of the day just now; absent where it was not read. */
  readonly reading?: DayReading;
}

/**
 * Verifies days that were just published, or that show what was published.
 * @param hidden blocked time, which must not show although the slots offer it
 */
export async function verifyAndRecord(
  context: CalendarContext,
  days: readonly DesiredDay[],
  hidden: readonly Span[] = [],
): Promise<void> {
  if (days.length === 0) return;
  const open = await findOpenVerifications(context);
  const openOn = new Map(open.map((one) => [one.date, one]));
  const findEarlier = ({ date, generation }: DesiredDay): OpenVerification | undefined => {
    const one = openOn.get(date);
    return one?.generation === generation ? one : undefined;
  };
  const wantsReading =
    context.verify === 'always' ||
    (context.verify === 'sampled' && context.random() < SAMPLE) ||
    days.some((day) => findEarlier(day)?.repaired === true);
  if (!wantsReading) {
    // Without verification, a 2xx counts as published.
    await saveAsPublished(context, days);
    return;
  }
  const writtenAt = new Date(context.now());
  const { readLagMs } = await getAddressBehavior(context.db, context.calendar.id);
  // Where reads of an earlier write still differed, the first read after this write may show the state before both.
  const afterMs = days.reduce((longest, { date, generation }) => {
    const one = openOn.get(date);
    const isOlder = one !== undefined && one.generation < generation && one.differing > 0;
    return isOlder && one.dueAt !== null
      ? Math.max(longest, one.dueAt.getTime() - one.writtenAt.getTime())
      : longest;
  }, readLagMs);
  const dueAt = new Date(context.now() + Math.min(afterMs, READ_AFTER_MS.at(-1) ?? 0));
  const checks = days.map((day): Check => {
    const { date, generation, wanted: slots, priority } = day;
    const repaired = findEarlier(day)?.repaired ?? false;
    const fresh = { writtenAt, dueAt, differing: 0, unread: 0, repaired };
    return { date, generation, slots, priority, ...fresh, isFailed: false, isSaved: false };
  });
  if (afterMs > 0) {
    await saveWaiting(context, checks);
    return;
  }
  const dates = new Set(days.map(({ date }) => date));
  const others = open.filter(({ date, isCurrent }) => isCurrent && !dates.has(date)).map(toCheck);
  await readAndRecord(context, checks, others, hidden);
}

/** Records days that show what was published, or whose verification is still open. */
export async function recordShownDays(context: CalendarContext, days: readonly DesiredDay[]): Promise<void> {
  const open = new Map((await findOpenVerifications(context)).map((one) => [one.date, one]));
  const awaited = days.flatMap((day): Check[] => {
    const one = open.get(day.date);
    if (one === undefined || one.dueAt === null) return [];
    const { date, generation, wanted: slots, priority } = day;
    return [{ ...one, date, generation, slots, priority, isFailed: false, isSaved: true }];
  });
  const isAwaited = new Set(awaited.map(({ date }) => date));
  await saveVerifications(context.db, context.calendar.id, awaited.map(toVerification));
  await saveAsPublished(
    context,
    days.filter(({ date }) => !isAwaited.has(date)),
  );
}

/**
 * Reads the days whose verification is due.
 * @returns an immediate requeue where there are days to write again, a later one where there are days to read then
 */
export async function verifyDue(context: CalendarContext): Promise<WorkResult> {
  const open = await findCurrentChecks(context);
  const due = open.filter(
    ({ isFailed, dueAt }) => !isFailed && dueAt !== null && dueAt.getTime() <= context.now(),
  );
  if (due.length === 0) return requeueForNextRead(context, open);
  const others = open.filter((one) => !due.includes(one));
  const hidden = await findBlockedOn(context, open);
  const repairs = await readAndRecord(context, due, others, hidden);
  return repairs ? requeueNow() : requeueForNextRead(context, await findCurrentChecks(context));
}

function requeueForNextRead(context: CalendarContext, open: readonly Check[]): WorkResult {
  const dues = open.flatMap(({ isFailed, dueAt }) => (isFailed || dueAt === null ? [] : [dueAt.getTime()]));
  return dues.length === 0 ? DONE : requeueAfter(Math.min(...dues) - context.now());
}

async function findOpenVerifications({
  db,
  calendar,
  account,
  now,
}: CalendarContext): Promise<OpenVerification[]> {
  const { from } = horizonOf(account.timeZone, now());
  return await listOpenVerifications(db, calendar.id, from, new Date(now()));
}

async function findCurrentChecks(context: CalendarContext): Promise<Check[]> {
  return (await findOpenVerifications(context)).filter(({ isCurrent }) => isCurrent).map(toCheck);
}

const toCheck = ({ published, ...one }: OpenVerification): Check => ({
  ...one,
  slots: published ?? [],
  isSaved: true,
});

async function findBlockedOn(context: CalendarContext, days: readonly Check[]): Promise<readonly Span[]> {
  const { db, calendar, account } = context;
  const [from, to] = [days[0]?.date, days.at(-1)?.date];
  if (calendar.strategy === 'slots' || from === undefined || to === undefined) return [];
  return requiredBlocksOf(await findBusyTimeOn(db, calendar, account, from, to), calendar);
}

/**
 * One read for all of them.
 * @param others days whose verification is not due, and which the read covers as well
 * @returns whether there are days to write again
 */
async function readAndRecord(
  context: CalendarContext,
  due: readonly Check[],
  others: readonly Check[],
  hidden: readonly Span[],
): Promise<boolean> {
  const { db, calendar } = context;
  const dates = due.map(({ date }) => date).sort();
  const [from = '', to = ''] = [dates[0], dates.at(-1)];
  const unread = [
    ...due,
    ...others.filter(({ date, dueAt }) => from <= date && date <= to && dueAt !== null),
  ];
  const readAt = context.now();
  const behavior = await getAddressBehavior(db, calendar.id);
  // Intermediate reads do not look for the cause of missing starts: their result is not final.
  const explains = due.some((one) => one.differing === 0 || readAt - one.writtenAt.getTime() >= SETTLED_MS);
  let diffs: readonly DayDiff[];
  try {
    diffs = await verifyPublication(context, unread, { hidden, cut: behavior.cut, explains });
  } catch (error) {
    await handleReadError(context, due, error);
    return false;
  }
  const shown = new Map(diffs.map((one) => [one.date, one]));
  const outcomes = new Map<string, Outcome['kind']>();
  const agreed: Check[] = [];
  const again: Check[] = [];
  const repairs: Check[] = [];
  const failed: { readonly check: Check; readonly difference: Difference }[] = [];
  for (const [i, unreadCheck] of unread.entries()) {
    const diff = shown.get(unreadCheck.date);
    const difference = diff?.difference;
    const reading = diff && { shown: diff.shown, readAt: new Date(readAt) };
    const check: Check = { ...unreadCheck, ...(reading && { reading }) };
    const outcome = outcomeOf(stateOf(check), difference, readAt, behavior.readLagMs);
    const agrees = outcome.kind === 'agrees' || difference === undefined;
    // A difference is judged when its verification is due.
    if (!agrees && i >= due.length) continue;
    outcomes.set(check.date, outcome.kind);
    if (agrees) agreed.push(check);
    else if (outcome.kind === 'repair') repairs.push(check);
    else if (outcome.kind === 'failed') failed.push({ check, difference });
    else {
      const dueAt = new Date(outcome.at);
      again.push({ ...check, dueAt, differing: check.differing + 1, unread: 0 });
    }
  }
  await saveObservedState(context, behavior, agreed, shown, readAt);
  addReadHistory(context, unread, outcomes, shown, readAt);
  await savePublishedDays(context, agreed, { verified: true, isRead: true });
  await saveWaiting(context, again);
  await saveRepairs(context, repairs);
  await saveFailures(context, failed);
  return repairs.length > 0;
}

/** Saves what the agreeing days show about the address. */
async function saveObservedState(
  context: CalendarContext,
  behavior: AddressBehavior,
  agreed: readonly Check[],
  shown: ReadonlyMap<string, DayDiff>,
  readAt: number,
): Promise<void> {
  const { db, calendar, log } = context;
  const cuts = new Set(
    agreed.flatMap(({ date }) => shown.get(date)?.cut ?? shown.get(date)?.difference?.otherCut ?? []),
  );
  const [observedCut] = cuts;
  const cut = cuts.size === 1 ? observedCut : behavior.cut;
  const verified = agreed.filter(({ isFailed }) => !isFailed);
  const late = verified.filter(({ differing }) => differing > 0);
  const lags = (late.length > 0 ? late : verified).map((one) =>
    readLagFrom(stateOf(one), readAt, behavior.readLagMs),
  );
  const readLagMs = lags.length > 0 ? Math.max(...lags) : behavior.readLagMs;
  if (cut === behavior.cut && readLagMs === behavior.readLagMs) return;
  await saveAddressBehavior(db, calendar, { cut, readLagMs });
  log.info({ calendar: calendar.id, cut, readLagMs }, 'the observed behavior of the address changed');
}

async function saveWaiting(context: CalendarContext, checks: readonly Check[]): Promise<void> {
  if (checks.length === 0) return;
  const { db, calendar, history, now } = context;
  const unsaved = checks.filter(({ isSaved }) => !isSaved);
  await history.commit(db, (tx) =>
    Promise.all([
      saveAcceptedSlots(tx, calendar.id, unsaved, new Date(now())),
      saveVerifications(tx, calendar.id, checks.map(toVerification)),
    ]),
  );
}

async function saveRepairs(context: CalendarContext, checks: readonly Check[]): Promise<void> {
  if (checks.length === 0) return;
  const { db, calendar, log } = context;
  const days = checks.map(({ date }) => date);
  log.warn({ calendar: calendar.id, days }, 'the marketplace shows something else than was published');
  await saveWaiting(
    context,
    checks.map((one) => ({ ...one, dueAt: null, differing: 0, unread: 0, repaired: true })),
  );
  await clearVerified(db, calendar.id, days);
}

async function saveFailures(
  context: CalendarContext,
  failed: readonly { readonly check: Check; readonly difference: Difference }[],
): Promise<void> {
  if (failed.length === 0) return;
  const { db, calendar, account, now } = context;
  const spell = ({ at, service }: Start): string =>
    `${toIso(at, account.timeZone)}${service === undefined ? '' : ` (${service})`}`;
  // A retry reads the day first: the read may have been all that failed.
  await saveWaiting(
    context,
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
    // What is shown and must not be sold is blocked by a break: the marketplace does not apply the day's slots.
    const closed = await failDay(
      context,
      check,
      error,
      ['break', 'clear'],
      extra.map((one) => spanOf(one, check)),
    );
    // A cleared day is written before it is read.
    if (closed === 'clear') await deleteVerifications(db, calendar.id, [check]);
  }
}

/** The booking that a patient can make at that start, as long as the published slots tell. */
function spanOf({ at, service }: Start, { slots }: SentDay): Span {
  const services = slots.flatMap(({ address_services: all }) => all);
  const lengths = services.flatMap(({ address_service_id: id, duration }) =>
    service === undefined || id === service ? [duration] : [],
  );
  return { start: at, end: at + Math.max(1, ...lengths) * MINUTE };
}

/** A failed read is no difference: it is retried, unless it would be refused again. */
async function handleReadError(
  context: CalendarContext,
  due: readonly Check[],
  error: unknown,
): Promise<void> {
  const { calendar, log, now, random } = context;
  const classified = classifyError(error, now());
  if (classified.kind === 'unknown') throw error;
  log.warn({ calendar: calendar.id, reason: classified.reason }, 'the published days could not be read back');
  const openCircuitMs = classified.kind === 'firewall' ? await context.openCircuit(classified.reason) : 0;
  if (classified.kind === 'permanent' || context.verify !== 'always') {
    await savePublishedDays(context, due, { verified: context.verify !== 'always', isRead: false });
    return;
  }
  await saveWaiting(
    context,
    due.map((one) => {
      const unread = one.unread + (classified.kind === 'retry' ? 1 : 0);
      const backoff = classified.kind === 'retry' ? backoffMs(RETRY, unread, random()) : openCircuitMs;
      const afterMs = Math.max(backoff, classified.kind === 'firewall' ? 0 : (classified.afterMs ?? 0));
      return { ...one, unread, dueAt: new Date(now() + afterMs) };
    }),
  );
}

async function savePublishedDays(
  context: CalendarContext,
  checks: readonly Check[],
  { verified, isRead }: Omit<Publication, 'over'>,
): Promise<void> {
  await recordPublication(context, checks, {
    verified,
    isRead,
    over: checks.filter(({ isSaved }) => isSaved),
  });
}

/**
 * Records days as published that need no verification: nothing was sent, or publications are not verified.
 * @param reading what was read of each day; absent where none was read
 */
export async function saveAsPublished(
  context: CalendarContext,
  days: readonly DesiredDay[],
  reading?: DayReading,
): Promise<void> {
  const sent = days.map(({ date, generation, wanted }) => ({ date, generation, slots: wanted, reading }));
  await recordPublication(context, sent, { verified: true, isRead: false, over: [] });
}

const stateOf = ({ writtenAt, differing, repaired }: Check): VerificationState => ({
  writtenAt: writtenAt.getTime(),
  differing,
  repaired,
});

const toVerification = (one: Check) => {
  const { date, generation, writtenAt, dueAt, differing, unread, repaired, reading } = one;
  return { date, generation, writtenAt, dueAt, differing, unread, repaired, reading };
};
