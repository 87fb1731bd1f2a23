/** Telling the marketplace the slots of days: what replaces what it has, and what empties a day. Contract: replaceSlots. */
import { addDays, localDate, type Slot, startOfDate, toIso } from '../core/index.js';
import { ConflictError, InvalidRequestError, NotFoundError } from '../docplanner/index.js';
import { forgetVerified, saveFailed } from '../store/days.js';
import { payloadsSince, rememberPayload } from '../store/payloads.js';
import { readAddress } from './address-services.js';
import { followMoves } from './follow.js';
import { duplicateWindowMs, freshForm, hashOf } from './forms.js';
import { horizonOf } from './horizon.js';
import { urgencyOf } from './plan.js';
import { look } from './read-back.js';
import type { Run } from './run.js';
import { type Wanted, type WantedDay, wantedDays } from './snapshot.js';

const MINUTE = 60_000;

/** The days that wait, computed from the record as it is now, so that nothing is sent that is known to be taken. */
export async function pending(run: Run, only?: ReadonlySet<string>): Promise<readonly WantedDay[]> {
  return (await wanted(run, only)).days;
}

/**
 * The same, with what is taken. An appointment may have moved since the run began: what is linked to it moves before its
 * new time is closed.
 */
export async function wanted(run: Run, only?: ReadonlySet<string>): Promise<Wanted> {
  for (;;) {
    const horizon = horizonOf(run.account.timeZone, run.now());
    const found = await wantedDays(run.db, run.calendar, run.account, horizon, only);
    if (found.days.length === 0 || !(await followMoves(run))) return found;
  }
}

/** @returns the dates that show something */
export async function lookAt(run: Run, days: readonly WantedDay[]): Promise<ReadonlySet<string>> {
  return await look(run, days, urgencyOf(days));
}

export async function clearDay(run: Run, day: WantedDay): Promise<void> {
  const { db, calendar } = run;
  const client = run.client(urgencyOf([day]), () => forgetVerified(db, calendar.id, [day.date]));
  try {
    await client.deleteSlots(calendar, day.date);
  } catch (error) {
    // There was nothing to clear, or the calendar is gone: reading back tells the first, the next write the other.
    if (!(error instanceof NotFoundError)) throw error;
  }
}

/**
 * Sends days together, those that are to show nothing as well. Where the marketplace refuses some, those are set apart as
 * failed and the others go on.
 * @returns those that it took
 */
export async function replaceDays(run: Run, days: readonly WantedDay[]): Promise<readonly WantedDay[]> {
  const since = new Date(run.now() - duplicateWindowMs(run.requestTimeoutMs));
  const form = freshForm(
    days.flatMap((day) => entriesOf(day, run.account.timeZone)),
    await payloadsSince(run.db, run.calendar.id, since),
  );
  try {
    await send(run, days, form, since);
  } catch (error) {
    if (error instanceof InvalidRequestError) return await refused(run, days, form, error);
    // It is so already, says the marketplace; what it shows decides.
    if (!(error instanceof ConflictError)) throw error;
  }
  return days;
}

/** A date that is only named stays as it is: an entry without services has to cover it. Contract: replaceSlots. */
function entriesOf({ date, wanted }: WantedDay, timeZone: string): readonly Slot[] {
  if (wanted.length > 0) return wanted;
  const start = toIso(startOfDate(date, timeZone), timeZone);
  // An entry that ends at midnight has left its date.
  const end = toIso(startOfDate(addDays(date, 1), timeZone) - MINUTE, timeZone);
  return [{ start, end, address_services: [] }];
}

async function refused(
  run: Run,
  days: readonly WantedDay[],
  form: readonly Slot[],
  error: InvalidRequestError,
): Promise<readonly WantedDay[]> {
  // Where a service is gone, the days are computed again without it.
  if (!run.address.wasRead && (await readAddress(run, urgencyOf(days)))) return [];
  const named = new Map<WantedDay, string>();
  for (const { index, field, reason } of error.entries) {
    // By its date, because another form can have more entries than the days have work periods.
    const entry = form[index];
    const date = entry && localDate(Date.parse(entry.start), run.account.timeZone);
    const day = days.find((one) => one.date === date);
    if (day !== undefined) named.set(day, field === undefined ? reason : `${field}: ${reason}`);
  }
  const [only] = days;
  if (named.size === 0 && days.length === 1 && only !== undefined) named.set(only, error.message);
  if (named.size > 0) {
    // Where the marketplace has another midnight, no entry covers a date; a date can be cleared all the same.
    const empty = [...named.keys()].filter(({ wanted }) => wanted.length === 0);
    for (const day of empty) {
      await clearDay(run, day);
      named.delete(day);
    }
    if (named.size > 0) await setApart(run, named);
    return empty;
  }
  // It does not say which: each half by itself, until it is found.
  const middle = Math.ceil(days.length / 2);
  const taken: WantedDay[] = [];
  for (const half of [days.slice(0, middle), days.slice(middle)]) {
    const fresh = await pending(run, new Set(half.map((day) => day.date)));
    if (fresh.length > 0) taken.push(...(await replaceDays(run, fresh)));
  }
  return taken;
}

/** They have failed, each with the marketplace's reason. */
async function setApart(run: Run, days: ReadonlyMap<WantedDay, string>): Promise<void> {
  run.log.error(
    { calendar: run.calendar.id, days: [...days.keys()].map((day) => day.date) },
    'the marketplace refused days',
  );
  await saveFailed(
    run.db,
    run.calendar.id,
    [...days].map(([day, reason]) => ({ date: day.date, generation: day.generation, error: { reason } })),
  );
}

async function send(
  run: Run,
  days: readonly WantedDay[],
  form: readonly Slot[],
  forgetBefore: Date,
): Promise<void> {
  const { db, calendar, now } = run;
  const dates = days.map((day) => day.date);
  // Before it is sent: a crash or a lost answer must find it written down that it may have arrived.
  const client = run.client(urgencyOf(days), async () => {
    await forgetVerified(db, calendar.id, dates);
    await rememberPayload(db, calendar.id, hashOf(form), new Date(now()), forgetBefore);
  });
  await client.replaceSlots(calendar, form);
}
