/**
 * The strategy `slots`, and the default: a day is regenerated without what is taken, and replaces what the
 * marketplace has. Contract: replaceSlots.
 */
import { localDate, type Slot } from '../../core/index.js';
import { ConflictError, InvalidRequestError, NotFoundError } from '../../docplanner/index.js';
import { forgetVerified, saveFailed, savePublished } from '../../store/days.js';
import { payloadsSince, rememberPayload } from '../../store/payloads.js';
import { duplicateWindowMs, freshForm, hashOf } from '../forms.js';
import { horizonOf } from '../horizon.js';
import { nextAction, urgencyOf } from '../plan.js';
import { look, readBack } from '../read-back.js';
import type { Reconciled } from '../reconciled.js';
import type { Run } from '../run.js';
import { type WantedDay, wantedDays } from '../snapshot.js';

/** After so many steps another calendar gets a turn; the rest of this one follows. */
const MOST_STEPS = 100;
/** Of every so many publishes one is read back, where `verify` is `sampled`. */
const SAMPLE = 1 / 10;

/** Before each step the record is read anew, so that nothing is sent that is known to be taken by then. */
export async function publishSlots(run: Run): Promise<Reconciled> {
  const showing = new Set<string>();
  const repaired = new Set<string>();
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const days = await pending(run);
    const action = nextAction(days, run.mostEntries, showing);
    if (action === undefined) return { kind: 'done' };
    switch (action.kind) {
      case 'settle':
        await saveAsPublished(run, action.days, true);
        break;
      case 'look':
        for (const date of await lookAt(run, action.days)) showing.add(date);
        break;
      case 'clear':
        await clear(run, action.days[0], repaired);
        break;
      case 'replace':
        await replace(run, action.days, repaired);
        break;
    }
  }
  return { kind: 'again', urgency: urgencyOf(await pending(run)) };
}

async function pending(run: Run, only?: ReadonlySet<string>): Promise<WantedDay[]> {
  const horizon = horizonOf(run.account.timeZone, run.now());
  return await wantedDays(run.db, run.calendar, run.account, horizon, only);
}

/** @returns the dates that show something although nothing is wanted; the others are settled */
async function lookAt(run: Run, days: readonly WantedDay[]): Promise<ReadonlySet<string>> {
  const showing = await look(run, days, urgencyOf(days));
  await saveAsPublished(
    run,
    days.filter((day) => !showing.has(day.date)),
    true,
  );
  return showing;
}

async function clear(run: Run, day: WantedDay, repaired: Set<string>): Promise<void> {
  const { db, calendar } = run;
  const client = run.client(urgencyOf([day]), () => forgetVerified(db, calendar.id, [day.date]));
  try {
    await client.deleteSlots(calendar, day.date);
  } catch (error) {
    // There was nothing to clear, or the calendar is gone: reading back tells the first, the next write the other.
    if (!(error instanceof NotFoundError)) throw error;
  }
  await conclude(run, [day], repaired);
}

/** Sends days together. Where the marketplace refuses some, those are set apart and the others go on. */
async function replace(run: Run, days: readonly WantedDay[], repaired: Set<string>): Promise<void> {
  const since = new Date(run.now() - duplicateWindowMs(run.requestTimeoutMs));
  const form = freshForm(
    days.flatMap((day) => day.wanted),
    await payloadsSince(run.db, run.calendar.id, since),
  );
  try {
    await send(run, days, form, since);
  } catch (error) {
    if (error instanceof InvalidRequestError) return await refused(run, days, form, error, repaired);
    // It is so already, says the marketplace; what it shows decides.
    if (!(error instanceof ConflictError)) throw error;
  }
  await conclude(run, days, repaired);
}

async function refused(
  run: Run,
  days: readonly WantedDay[],
  form: readonly Slot[],
  error: InvalidRequestError,
  repaired: Set<string>,
): Promise<void> {
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
    run.log.error(
      { calendar: run.calendar.id, days: [...named.keys()].map((day) => day.date) },
      'the marketplace refused days',
    );
    await saveFailed(
      run.db,
      run.calendar.id,
      [...named].map(([day, reason]) => ({ date: day.date, generation: day.generation, error: { reason } })),
    );
    return;
  }
  // It does not say which: each half by itself, until it is found.
  const middle = Math.ceil(days.length / 2);
  for (const half of [days.slice(0, middle), days.slice(middle)]) {
    const fresh = await pending(run, new Set(half.map((day) => day.date)));
    const wanted = fresh.filter((day) => day.wanted.length > 0);
    if (wanted.length > 0) await replace(run, wanted, repaired);
  }
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

/** Reads back what was told, and writes down how it went. A difference is repaired once, by another round. */
async function conclude(run: Run, days: readonly WantedDay[], repaired: Set<string>): Promise<void> {
  const wantsReading =
    run.verify === 'always' ||
    (run.verify === 'sampled' && run.random() < SAMPLE) ||
    days.some((day) => repaired.has(keyOf(day)));
  const differing = wantsReading ? await readBack(run, days, urgencyOf(days)) : undefined;
  const found = new Map((differing ?? []).map((difference) => [difference.date, difference]));
  await saveAsPublished(
    run,
    days.filter((day) => !found.has(day.date)),
    // Without a reading nobody saw a difference; where none was wanted, a 2xx is taken for the truth.
    differing !== undefined || run.verify !== 'always',
  );
  const failed = days.filter((day) => found.has(day.date) && repaired.has(keyOf(day)));
  await saveFailed(
    run.db,
    run.calendar.id,
    failed.map((day) => ({
      date: day.date,
      generation: day.generation,
      error: {
        reason: 'the marketplace shows something else than it was told, also after a repair',
        expected: found.get(day.date)?.expected ?? [],
        shown: found.get(day.date)?.shown ?? [],
      },
    })),
  );
  for (const day of days) if (found.has(day.date)) repaired.add(keyOf(day));
}

async function saveAsPublished(run: Run, days: readonly WantedDay[], verified: boolean): Promise<void> {
  await savePublished(
    run.db,
    run.calendar.id,
    days.map(({ date, generation, wanted }) => ({ date, generation, slots: wanted, verified })),
    new Date(run.now()),
  );
}

const keyOf = (day: WantedDay): string => `${day.date} ${day.generation}`;
