/** Queries of calendars: each is a doctor at an address, in one account. */
import { type RawBuilder, type Selectable, sql } from 'kysely';
import { retryDeadlock } from '../retry.js';
import type { CalendarsTable, Db, Strategy } from '../schema.js';
import { resetAddressReads } from './address-services.js';
import { AddressTakenError } from './address-taken-error.js';
import { assertAddressFree, changeAddress, isSameAddress, lockAddresses } from './addresses.js';
import { saveHistory } from './history.js';
import { markDaysOfCalendars } from './mark-calendars.js';

export interface CalendarSettings {
  /** Minutes kept free before each busy interval. */
  readonly bufferBefore?: number | undefined;
  /** Minutes kept free after each busy interval. */
  readonly bufferAfter?: number | undefined;
  /** Minutes: free intervals begin at local multiples of it. */
  readonly grid?: number | undefined;
  /** Whether the engine's breaks apply to the addresses that are coupled with this one, too. Contract: Breaks. */
  readonly applyOnCoupledAddresses?: boolean | undefined;
}

export interface Calendar extends CalendarSettings {
  readonly id: string;
  readonly account: string;
  readonly facilityId: string;
  readonly doctorId: string;
  readonly addressId: string;
  /** How busy time is closed on the marketplace. */
  readonly strategy: Strategy;
}

/** A calendar as it is stored. */
export interface StoredCalendar extends Calendar {
  /** Present while the calendar is being closed; it is deleted once nothing of it is on sale. */
  readonly closing?: { readonly since: Date };
  /** Present where the row is the former address of a calendar that moved: the id of that calendar. */
  readonly formerOf?: string;
}

export interface CalendarState extends StoredCalendar {
  /** Present while the marketplace refuses the calendar. */
  readonly failed?: {
    readonly reason: string;
    /** Since when it is refused. */
    readonly at: Date;
    readonly retryAt: Date | null;
    /** When every method of closing busy time was last refused. */
    readonly closingRefusedAt: Date | null;
    /** Consecutive refusals. */
    readonly failures: number;
  };
  /** Present while the calendar is retried: why the last attempt failed. */
  readonly retrying?: { readonly reason: string; readonly attempts: number; readonly at: Date };
}

function toCalendar(row: Selectable<CalendarsTable>): CalendarState {
  return {
    id: row.id,
    account: row.account_id,
    facilityId: row.facility_id,
    doctorId: row.doctor_id,
    addressId: row.address_id,
    strategy: row.strategy,
    ...(row.settings as CalendarSettings),
    ...(row.closing_since === null ? {} : { closing: { since: row.closing_since } }),
    ...(row.former_of === null ? {} : { formerOf: row.former_of }),
    ...(row.failed_reason === null || !row.failed_at
      ? {}
      : {
          failed: {
            reason: row.failed_reason,
            at: row.failed_at,
            retryAt: row.retry_at,
            closingRefusedAt: row.closing_refused_at,
            failures: row.failures,
          },
        }),
    ...(row.retry_reason === null || !row.retry_at
      ? {}
      : { retrying: { reason: row.retry_reason, attempts: row.attempts, at: row.retry_at } }),
  };
}

export async function getCalendar(db: Db, id: string): Promise<CalendarState | undefined> {
  const row = await db.selectFrom('slotkeeper.calendars').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toCalendar(row);
}

/** Lists all calendars without former addresses. */
export async function listCalendars(db: Db): Promise<CalendarState[]> {
  return (await listAllCalendars(db)).filter(({ formerOf }) => formerOf === undefined);
}

/** Lists all calendars, including former addresses that are being closed. */
export async function listAllCalendars(db: Db): Promise<CalendarState[]> {
  const rows = await db.selectFrom('slotkeeper.calendars').selectAll().orderBy('id').execute();
  return rows.map(toCalendar);
}

/**
 * Creates or replaces the calendar. A change resets its failures and marks all its days dirty, because another address,
 * strategy, buffer or grid gives other slots. A change of address leaves the old one to be closed. A calendar that is being
 * closed is reopened.
 * @returns whether anything changed
 * @throws {AddressTakenError} where another calendar has the address
 */
export async function putCalendar(db: Db, calendar: Calendar, now: Date, actor?: string): Promise<boolean> {
  return await retryDeadlock(() =>
    db.transaction().execute((tx) => putCalendarInTransaction(tx, calendar, now, actor)),
  );
}

/** `putCalendar` in the caller's transaction. */
export async function putCalendarInTransaction(
  tx: Db,
  calendar: Calendar,
  now: Date,
  actor = 'library',
): Promise<boolean> {
  const values = toColumns(calendar);
  await lockAddresses(tx);
  await assertAddressFree(tx, calendar);
  const before = await getCalendar(tx, calendar.id);
  if (before?.formerOf !== undefined) throw new AddressTakenError(before.formerOf, true);
  const isMoving = before !== undefined && !(await isSameAddress(tx, before, calendar));
  if (isMoving) await changeAddress(tx, calendar, now);
  const { rows } = await sql<{ inserted: boolean }>`
    INSERT INTO slotkeeper.calendars AS c (id, account_id, facility_id, doctor_id, address_id, strategy, settings)
    VALUES (${calendar.id}, ${values.account_id}, ${values.facility_id}, ${values.doctor_id},
            ${values.address_id}, ${values.strategy}, ${values.settings}::jsonb)
    ON CONFLICT (id) DO UPDATE SET
      account_id = excluded.account_id, facility_id = excluded.facility_id, doctor_id = excluded.doctor_id,
      address_id = excluded.address_id, strategy = excluded.strategy, settings = excluded.settings,
      attempts = 0, retry_at = NULL, retry_reason = NULL, failed_reason = NULL, failed_at = NULL, failures = 0,
      closing_refused_at = NULL, closing_since = NULL
    WHERE ${isMoving} OR c.closing_since IS NOT NULL
      OR (c.account_id, c.facility_id, c.doctor_id, c.address_id, c.strategy, c.settings)
        IS DISTINCT FROM (excluded.account_id, excluded.facility_id, excluded.doctor_id, excluded.address_id,
                          excluded.strategy, excluded.settings)
    RETURNING (xmax = 0) AS inserted`.execute(tx);
  const row = rows[0];
  if (row === undefined) return false;
  const detail = { what: 'calendar', change: row.inserted ? 'created' : 'changed' };
  await saveHistory(tx, [{ kind: 'configured', at: now, calendar: calendar.id, actor, detail }]);
  if (!row.inserted) {
    // Nothing was published to another address, or by another client, so what the marketplace shows there is unknown.
    const isSameClient = !isMoving && before?.account === calendar.account;
    await markDaysOfCalendars(tx, [calendar.id], !isSameClient, now);
    if (!isSameClient) await resetAddressReads(tx, [calendar.id]);
  }
  return true;
}

/** Whether the stored configuration still equals this one; the state of attempts does not count. */
export async function isCalendarUnchanged(db: Db, calendar: StoredCalendar): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM slotkeeper.calendars WHERE id = ${calendar.id} AND ${isUnchangedCondition(calendar)}`.execute(
    db,
  );
  return rows.length > 0;
}

/** A condition on the calendar's row: every column that `putCalendar` sets has this calendar's value. */
export function isUnchangedCondition(calendar: StoredCalendar): RawBuilder<boolean> {
  const { account_id, facility_id, doctor_id, address_id, strategy, settings } = toColumns(calendar);
  return sql`(account_id, facility_id, doctor_id, address_id, strategy, settings, closing_since) IS NOT DISTINCT FROM
    (${account_id}, ${facility_id}, ${doctor_id}, ${address_id}, ${strategy}, ${settings}::jsonb,
     ${calendar.closing?.since ?? null}::timestamptz)`;
}

function toColumns(calendar: Calendar) {
  const { bufferBefore, bufferAfter, grid, applyOnCoupledAddresses } = calendar;
  return {
    account_id: calendar.account,
    facility_id: calendar.facilityId,
    doctor_id: calendar.doctorId,
    address_id: calendar.addressId,
    strategy: calendar.strategy,
    settings: JSON.stringify({ bufferBefore, bufferAfter, grid, applyOnCoupledAddresses }),
  };
}

/** Counts the account's calendars: open ones, and those that are being closed. */
export async function countCalendars(
  db: Db,
  account: string,
): Promise<{ readonly open: number; readonly closing: number }> {
  const { rows } = await sql<{ open: string; closing: string }>`
    SELECT count(*) FILTER (WHERE closing_since IS NULL) AS open,
           count(*) FILTER (WHERE closing_since IS NOT NULL) AS closing
    FROM slotkeeper.calendars WHERE account_id = ${account}`.execute(db);
  return { open: Number(rows[0]?.open ?? 0), closing: Number(rows[0]?.closing ?? 0) };
}

/** Deletes the calendar and all its rows; the marketplace is not changed. @returns whether it existed */
export async function deleteCalendar(db: Db, id: string, now: Date, actor = 'library'): Promise<boolean> {
  const { rows } = await sql`
    WITH deleted AS (DELETE FROM slotkeeper.calendars WHERE id = ${id} RETURNING id, account_id)
    INSERT INTO slotkeeper.history (at, kind, account_id, calendar_id, actor, detail)
    SELECT ${now}::timestamptz, 'configured', account_id, id, ${actor}::text,
      '{"what": "calendar", "change": "deleted"}'::jsonb
    FROM deleted
    RETURNING id`.execute(db);
  return rows.length > 0;
}

/**
 * Finds the calendar at an address of a facility, of any doctor, because a booking may move to any of them. Where several
 * calendars have this address id, the doctor's own is preferred. Contract: moveBooking.
 * @param from the calendar of the booking
 */
export async function findCalendarInFacility(
  db: Db,
  from: Pick<Calendar, 'account' | 'facilityId' | 'doctorId'>,
  addressId: string,
): Promise<CalendarState | undefined> {
  const row = await db
    .selectFrom('slotkeeper.calendars')
    .selectAll()
    .where('account_id', '=', from.account)
    .where('facility_id', '=', from.facilityId)
    .where('address_id', '=', addressId)
    .orderBy((eb) => eb('doctor_id', '=', from.doctorId), 'desc')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  return row && toCalendar(row);
}

/** @returns the id of the calendar of this doctor at this address, if there is one */
export async function findCalendarIdAt(
  db: Db,
  {
    account,
    facilityId,
    doctorId,
    addressId,
  }: Pick<Calendar, 'account' | 'facilityId' | 'doctorId' | 'addressId'>,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('slotkeeper.calendars')
    .select('id')
    .where('account_id', '=', account)
    .where('facility_id', '=', facilityId)
    .where('doctor_id', '=', doctorId)
    .where('address_id', '=', addressId)
    .executeTakeFirst();
  return row?.id;
}

/** Locks the calendar until the transaction ends. @returns whether it still has this address */
export async function lockCalendarAtAddress(tx: Db, calendar: Calendar): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM slotkeeper.calendars
    WHERE id = ${calendar.id} AND account_id = ${calendar.account} AND facility_id = ${calendar.facilityId}
      AND doctor_id = ${calendar.doctorId} AND address_id = ${calendar.addressId}
    FOR NO KEY UPDATE`.execute(tx);
  return rows.length > 0;
}
