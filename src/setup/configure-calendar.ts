/**
 * Puts a calendar as it is configured, unless that would take away too much of what it offers: a move away from an
 * address where much is published, or buffers and a grid that leave little. Then the new configuration is held.
 */
import { isDeepStrictEqual } from 'node:util';
import type { HeldSummary, OnHeld } from '../clinic/snapshots/hold-change.js';
import { MINUTE } from '../core/duration.js';
import type { Slot } from '../core/index.js';
import { type Spans, subtract, unite } from '../core/intervals.js';
import type { Db } from '../db/schema.js';
import { type Account, getAccount } from '../db/tables/accounts.js';
import { assertAddressFree } from '../db/tables/addresses.js';
import { type Calendar, type CalendarState, getCalendar, putCalendar } from '../db/tables/calendars.js';
import {
  type Deletion,
  dropHeldConfiguration,
  findHeldChanges,
  type NewHeldChange,
  saveHeldChange,
} from '../db/tables/held-changes.js';
import { viewDays } from '../publishing/desired-days.js';
import { horizonOf } from '../publishing/horizon.js';

export interface ConfigureOptions {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Undefined: nothing is held. */
  readonly holds: { readonly share: number } | undefined;
  readonly onHeld?: OnHeld | undefined;
}

export type Configured =
  | { readonly kind: 'same' }
  | { readonly kind: 'changed' }
  | { readonly kind: 'held'; readonly held: HeldSummary };

/** @throws {AddressTakenError} where another calendar is at its address */
export async function configureCalendar(
  db: Db,
  calendar: Calendar,
  options: ConfigureOptions,
): Promise<Configured> {
  await assertAddressFree(db, calendar);
  const before = await getCalendar(db, calendar.id);
  const isOpen = before !== undefined && before.closing === undefined;
  const held = isOpen ? await hold(db, before, calendar, options) : undefined;
  if (held !== undefined) return { kind: 'held', held };
  await dropHeldConfiguration(db, calendar.id);
  return (await putCalendar(db, calendar, new Date(options.now))) ? { kind: 'changed' } : { kind: 'same' };
}

async function hold(
  db: Db,
  before: CalendarState,
  after: Calendar,
  { now, holds, onHeld }: ConfigureOptions,
): Promise<HeldSummary | undefined> {
  const account = await getAccount(db, before.account);
  if (holds === undefined || account === undefined || !takesAway(before, after)) return undefined;
  const horizon = horizonOf(account.timeZone, now);
  const days = await compare(db, before, after, account, horizon);
  const lost = Math.round(sum(days.map((day) => day.lost)));
  const total = Math.round(sum(days.map((day) => day.total)));
  const isTooMuch = lost > 0 && (lost > holds.share * total || lost === total);
  if (!isTooMuch) return undefined;
  const known = await heldAlready(db, after);
  if (known !== undefined) return known;
  const deletions: readonly Deletion[] = [{ scope: 'calendar', of: 'windows', lost, total }];
  const dates = days.filter((day) => day.lost > 0).map(({ date }) => date);
  const asked: NewHeldChange = {
    calendar: before.id,
    cause: 'configuration',
    ...horizon,
    observedAt: new Date(now),
    heldAt: new Date(now),
    deletions,
    dates: dates.map((date) => ({ date })),
    releases: [],
    configured: after,
  };
  return await db.transaction().execute(async (tx) => {
    const isAgain = await dropHeldConfiguration(tx, before.id);
    const id = await saveHeldChange(tx, asked);
    await onHeld?.(tx, { ...asked, id }, isAgain);
    return { id, deletions, dates, releases: 0 };
  });
}

/** The file says the same at every start: that is no other hold, and is not told again. */
async function heldAlready(db: Db, calendar: Calendar): Promise<HeldSummary | undefined> {
  const asked: unknown = JSON.parse(JSON.stringify(calendar));
  const known = (await findHeldChanges(db)).find(({ configured }) => isDeepStrictEqual(configured, asked));
  return (
    known && {
      id: known.id,
      deletions: known.deletions,
      dates: known.dates.map(({ date }) => date),
      releases: 0,
    }
  );
}

const isMoved = (before: Calendar, after: Calendar): boolean =>
  before.account !== after.account ||
  before.facilityId !== after.facilityId ||
  before.doctorId !== after.doctorId ||
  before.addressId !== after.addressId;

const rulesOf = ({ bufferBefore = 0, bufferAfter = 0, grid }: Calendar) => ({
  bufferBefore,
  bufferAfter,
  grid,
});

const takesAway = (before: Calendar, after: Calendar): boolean =>
  isMoved(before, after) || !isDeepStrictEqual(rulesOf(before), rulesOf(after));

/** Minutes that each day offers, and how many of them it would no longer. */
async function compare(
  db: Db,
  before: CalendarState,
  after: Calendar,
  account: Account,
  { from, to }: { readonly from: string; readonly to: string },
) {
  // What a patient can book: with every strategy that is what `slots` would publish.
  const bookable = async (calendar: Calendar) =>
    await viewDays(db, { ...calendar, strategy: 'slots' }, account, from, to);
  const was = await bookable(before);
  // Another address takes everything away from where it was published, which is nothing where nothing ever was.
  if (isMoved(before, after)) {
    return was.map(({ date, day }) => {
      const total = minutesOf(spansOf(day?.published ?? []));
      return { date, total, lost: total };
    });
  }
  const wanted = await bookable(after);
  return was.map((view, index) => {
    const offered = spansOf(view.wanted);
    const left = spansOf(wanted[index]?.wanted ?? []);
    return { date: view.date, total: minutesOf(offered), lost: minutesOf(offered, left) };
  });
}

const spansOf = (slots: readonly Slot[]): Spans =>
  unite({
    starts: slots.map(({ start }) => Date.parse(start)),
    ends: slots.map(({ end }) => Date.parse(end)),
  });

function minutesOf(spans: Spans, without: Spans = { starts: [], ends: [] }): number {
  let ms = 0;
  subtract(spans, without, (start, end) => {
    ms += end - start;
  });
  return ms / MINUTE;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
