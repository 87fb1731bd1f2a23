/** Reads what the database has about a start and its day, for its explanation. */
import { isSkippedTime } from '../core/civil.js';
import {
  addDays,
  type Cut,
  type Instant,
  InvalidScheduleError,
  localDate,
  parseInstant,
  startOfDate,
} from '../core/index.js';
import { readId } from '../core/read-id.js';
import type { Db } from '../db/schema.js';
import { type AccountState, getAccountState } from '../db/tables/account-states.js';
import { type Account, getAccount } from '../db/tables/accounts.js';
import { getAddressBehavior } from '../db/tables/address-behavior.js';
import { type Address, findServicesInUse, getAddress } from '../db/tables/address-services.js';
import { findPlaceholdersBetween } from '../db/tables/bookings.js';
import { findBreaksBetween } from '../db/tables/breaks.js';
import { type CalendarState, getCalendar } from '../db/tables/calendars.js';
import { getPublishProgress, type PublishProgress } from '../db/tables/publish-progress.js';
import { type ComputedViews, type DayView, readDays } from '../publishing/desired-days.js';
import { type Taken, takenBy, takenByBreak, takenByPlaceholder } from './taker.js';

export interface StartQuestion {
  readonly calendar: string;
  /** Without an offset, a wall-clock time of the account's zone. Text of digits is epoch milliseconds. */
  readonly at: Instant;
  /** An address service id; default: any service. */
  readonly service?: string | number | undefined;
}

/** What the database has about a start and its day. */
export interface StartFacts extends Omit<ComputedViews, 'views'> {
  readonly calendar: CalendarState;
  readonly account: Account;
  readonly accountState: AccountState;
  readonly address: Address;
  /** The services that windows from now on name. */
  readonly servicesInUse: ReadonlySet<string>;
  readonly cut: Cut | undefined;
  readonly progress: PublishProgress;
  readonly view: DayView;
  /** What blocks time on the marketplace: own breaks and placeholders, and others' breaks and bookings. */
  readonly blocks: readonly Taken[];
  /** Epoch milliseconds. */
  readonly at: number;
  /** Whether `at` was asked for as a wall-clock time that does not exist. */
  readonly isSkipped: boolean;
  readonly service: string | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** As many digits as are no date. */
const EPOCH_MS = /^\d{9,}$/;
/** Other dates are not stored. */
const [FIRST_DATE, LAST_DATE] = ['1971-01-01', '9998-12-31'];

/**
 * @param tx a transaction of `inSnapshot`
 * @returns undefined for an unknown calendar
 * @throws {InvalidScheduleError} at `at` or `service`
 */
export async function readFacts(
  tx: Db,
  question: StartQuestion,
  now: number,
): Promise<StartFacts | undefined> {
  const { calendar: id, at: given } = question;
  const calendar = await getCalendar(tx, id);
  const account = calendar && (await getAccount(tx, calendar.account));
  if (calendar === undefined || account === undefined) return undefined;
  const { timeZone } = account;
  const instant = typeof given === 'string' && EPOCH_MS.test(given) ? Number(given) : given;
  const at = parseInstant(instant, timeZone, 'at');
  const date = localDate(at, timeZone);
  if (date < FIRST_DATE || date > LAST_DATE) {
    throw new InvalidScheduleError('at', 'must be an instant of the years 1971 to 9998');
  }
  const service = question.service === undefined ? undefined : readId(question.service);
  if (question.service !== undefined && service === undefined) {
    throw new InvalidScheduleError('service', 'must be the id of an address service');
  }
  const accountState = await getAccountState(tx, account.id, new Date(now));
  const address = await getAddress(tx, id);
  const servicesInUse = await findServicesInUse(tx, id, new Date(now));
  const { cut } = await getAddressBehavior(tx, id);
  const progress = await getPublishProgress(tx, id, date);
  const start = new Date(startOfDate(date, timeZone));
  const end = new Date(startOfDate(addDays(date, 1), timeZone));
  const breaks = await findBreaksBetween(tx, id, start, end);
  const placeholders = await findPlaceholdersBetween(tx, id, start, end);
  const { views, schedule, busyTime } = await readDays(tx, calendar, account, date, date);
  const [view] = views;
  if (view === undefined || accountState === undefined || address === undefined || progress === undefined)
    return undefined;
  const blocks = [
    ...busyTime.filter(({ source }) => source !== 'occupancy').map(takenBy),
    ...breaks.filter(({ own }) => own === true).map(takenByBreak),
    ...[...placeholders.values()].map(takenByPlaceholder),
  ];
  const isSkipped = isSkippedTime(instant, timeZone);
  const known = { calendar, account, accountState, address, servicesInUse, cut, progress };
  return { ...known, view, schedule, busyTime, blocks, at, isSkipped, service, now };
}
