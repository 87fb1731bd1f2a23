/**
 * Applies a calendar's configuration, unless it would remove too much of the calendar's availability: another address where much
 * is published, or buffers and a grid that leave little. Then the deletion guard holds the new configuration.
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
  deleteHeldConfiguration,
  findHeldChanges,
  type NewHeldChange,
  saveHeldChange,
} from '../db/tables/held-changes.js';
import { viewDays } from '../publishing/desired-days.js';
import { horizonOf } from '../publishing/horizon.js';

export interface ConfigureOptions {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Undefined: the deletion guard is off. */
  readonly holds: { readonly share: number } | undefined;
  readonly onHeld?: OnHeld | undefined;
  /** Who configures it; default `library`. */
  readonly actor?: string | undefined;
}

export type Configured =
  | { readonly kind: 'same' }
  | { readonly kind: 'changed' }
  | { readonly kind: 'held'; readonly held: HeldSummary };

/** @throws {AddressTakenError} where another calendar has the same address */
export async function configureCalendar(
  db: Db,
  calendar: Calendar,
  options: ConfigureOptions,
): Promise<Configured> {
  await assertAddressFree(db, calendar);
  const before = await getCalendar(db, calendar.id);
  const isOpen = before !== undefined && before.closing === undefined;
  const held = isOpen ? await holdIfTooMuch(db, before, calendar, options) : undefined;
  if (held !== undefined) return { kind: 'held', held };
  await deleteHeldConfiguration(db, calendar.id);
  return (await putCalendar(db, calendar, new Date(options.now), options.actor))
    ? { kind: 'changed' }
    : { kind: 'same' };
}

async function holdIfTooMuch(
  db: Db,
  before: CalendarState,
  after: Calendar,
  { now, holds, onHeld }: ConfigureOptions,
): Promise<HeldSummary | undefined> {
  const account = await getAccount(db, before.account);
  if (holds === undefined || account === undefined || !mayRemove(before, after)) return undefined;
  const horizon = horizonOf(account.timeZone, now);
  const days = await countLostMinutes(db, before, after, account, horizon);
  const lost = Math.round(sum(days.map((day) => day.lost)));
  const total = Math.round(sum(days.map((day) => day.total)));
  const isTooMuch = lost > 0 && (lost > holds.share * total || lost === total);
  if (!isTooMuch) return undefined;
  const known = await findSameHeld(db, after);
  if (known !== undefined) return known;
  const deletions: readonly Deletion[] = [{ scope: 'calendar', of: 'windows', lost, total }];
  const dates = days.filter((day) => day.lost > 0).map(({ date }) => date);
  const change: NewHeldChange = {
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
    const isAgain = await deleteHeldConfiguration(tx, before.id);
    const id = await saveHeldChange(tx, change);
    await onHeld?.(tx, { ...change, id }, isAgain);
    return { id, losses: deletions, dates, releases: 0 };
  });
}

/** The file is loaded at every start, so a configuration that is held already is neither held nor notified again. */
async function findSameHeld(db: Db, calendar: Calendar): Promise<HeldSummary | undefined> {
  const stored: unknown = JSON.parse(JSON.stringify(calendar));
  const known = (await findHeldChanges(db)).find(({ configured }) => isDeepStrictEqual(configured, stored));
  return (
    known && {
      id: known.id,
      losses: known.deletions,
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

const mayRemove = (before: Calendar, after: Calendar): boolean =>
  isMoved(before, after) || !isDeepStrictEqual(rulesOf(before), rulesOf(after));

/** The minutes that each day offers, and how many of them the new configuration would remove. */
async function countLostMinutes(
  db: Db,
  before: CalendarState,
  after: Calendar,
  account: Account,
  { from, to }: { readonly from: string; readonly to: string },
) {
  // For every strategy, patients can book what the strategy `slots` would publish.
  const viewBookable = async (calendar: Calendar) =>
    await viewDays(db, { ...calendar, strategy: 'slots' }, account, from, to);
  const viewsBefore = await viewBookable(before);
  // Another address removes everything that was published at the former one.
  if (isMoved(before, after)) {
    return viewsBefore.map(({ date, day }) => {
      const total = minutesOf(spansOf(day?.published ?? []));
      return { date, total, lost: total };
    });
  }
  const viewsAfter = await viewBookable(after);
  return viewsBefore.map((view, index) => {
    const offered = spansOf(view.wanted);
    const left = spansOf(viewsAfter[index]?.wanted ?? []);
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
