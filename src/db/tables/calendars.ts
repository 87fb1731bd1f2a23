/** Calendars: a doctor at an address, in one account. */
import { type RawBuilder, type Selectable, sql } from 'kysely';
import { retryDeadlock } from '../retry.js';
import type { CalendarsTable, Db, Strategy } from '../schema.js';
import { resetAddressReads } from './address-services.js';
import { AddressTakenError } from './address-taken-error.js';
import { assertAddressFree, changeAddress, isSameAddress, lockAddresses } from './addresses.js';

export interface CalendarSettings {
  /** Minutes kept free before each busy interval. */
  readonly bufferBefore?: number | undefined;
  /** Minutes kept free after each busy interval. */
  readonly bufferAfter?: number | undefined;
  /** Minutes: free stretches begin at local multiples of it. */
  readonly grid?: number | undefined;
  /** Whether a break of ours is put on the addresses that are coupled with this one, too. Contract: Breaks. */
  readonly applyOnCoupledAddresses?: boolean | undefined;
}

export interface Calendar extends CalendarSettings {
  readonly id: string;
  readonly account: string;
  readonly facilityId: string;
  readonly doctorId: string;
  readonly addressId: string;
  /** How taken time is taken off sale. */
  readonly strategy: Strategy;
}

/** A calendar as it is in the record. */
export interface StoredCalendar extends Calendar {
  /** Present while what it has on sale is being closed, after which it is removed. */
  readonly closing?: { readonly since: Date };
  /** Present where it is only a former address of this calendar. */
  readonly formerOf?: string;
}

export interface CalendarState extends StoredCalendar {
  /** Why the marketplace refuses it, since when, when it is tried again, and since when no way of closing is left. */
  readonly failed?: {
    readonly reason: string;
    readonly at: Date;
    readonly retryAt: Date | null;
    readonly closingRefusedAt: Date | null;
    /** How often it was refused one after another. */
    readonly failures: number;
  };
  /** Why the last attempt failed, while it is being retried. */
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

/** All but former addresses. */
export async function listCalendars(db: Db): Promise<CalendarState[]> {
  return (await listAllCalendars(db)).filter(({ formerOf }) => formerOf === undefined);
}

/** All, former addresses that are being closed among them. */
export async function listAllCalendars(db: Db): Promise<CalendarState[]> {
  const rows = await db.selectFrom('slotkeeper.calendars').selectAll().orderBy('id').execute();
  return rows.map(toCalendar);
}

/**
 * Creates or replaces the calendar. Where anything about it really changes, what failed is tried again and
 * all its days are wanted anew: another address, strategy, buffer or grid makes other slots. Another address leaves the old
 * one to be closed. One that is being closed is a calendar again.
 * @returns whether anything changed
 * @throws {AddressTakenError} where another calendar is there
 */
export async function putCalendar(db: Db, calendar: Calendar, now: Date): Promise<boolean> {
  return await retryDeadlock(() =>
    db.transaction().execute((tx) => putCalendarInTransaction(tx, calendar, now)),
  );
}

/** The same, in a transaction of the caller's. */
export async function putCalendarInTransaction(tx: Db, calendar: Calendar, now: Date): Promise<boolean> {
  const values = valuesOf(calendar);
  await lockAddresses(tx);
  await assertAddressFree(tx, calendar);
  const before = await getCalendar(tx, calendar.id);
  if (before?.formerOf !== undefined) throw new AddressTakenError(before.formerOf, true);
  const moves = before !== undefined && !(await isSameAddress(tx, before, calendar));
  if (moves) await changeAddress(tx, calendar, now);
  const { rows } = await sql<{ inserted: boolean }>`
    INSERT INTO slotkeeper.calendars AS c (id, account_id, facility_id, doctor_id, address_id, strategy, settings)
    VALUES (${calendar.id}, ${values.account_id}, ${values.facility_id}, ${values.doctor_id},
            ${values.address_id}, ${values.strategy}, ${values.settings}::jsonb)
    ON CONFLICT (id) DO UPDATE SET
      account_id = excluded.account_id, facility_id = excluded.facility_id, doctor_id = excluded.doctor_id,
      address_id = excluded.address_id, strategy = excluded.strategy, settings = excluded.settings,
      attempts = 0, retry_at = NULL, retry_reason = NULL, failed_reason = NULL, failed_at = NULL, failures = 0,
      closing_refused_at = NULL, closing_since = NULL
    WHERE ${moves} OR c.closing_since IS NOT NULL
      OR (c.account_id, c.facility_id, c.doctor_id, c.address_id, c.strategy, c.settings)
        IS DISTINCT FROM (excluded.account_id, excluded.facility_id, excluded.doctor_id, excluded.address_id,
                          excluded.strategy, excluded.settings)
    RETURNING (xmax = 0) AS inserted`.execute(tx);
  const row = rows[0];
  if (row === undefined) return false;
  if (!row.inserted) {
    // Another address has never been told anything, nor has another client: what is shown is unknown.
    const stays = !moves && before?.account === calendar.account;
    await tx
      .updateTable('slotkeeper.days')
      .set((eb) => ({
        generation: sql`generation + 1`,
        ...(stays ? {} : { published: null, verified: false }),
        pending_since: eb.fn.coalesce('pending_since', eb.val(now)),
      }))
      .where('calendar_id', '=', calendar.id)
      .execute();
    if (!stays) await resetAddressReads(tx, [calendar.id]);
  }
  return true;
}

/** Whether it is there as it is here, whatever became of its attempts. */
export async function isCalendarUnchanged(db: Db, calendar: StoredCalendar): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM slotkeeper.calendars WHERE id = ${calendar.id} AND ${isUnchangedCondition(calendar)}`.execute(
    db,
  );
  return rows.length > 0;
}

/** As a condition on its row: that everything that `putCalendar` sets is as it is here. */
export function isUnchangedCondition(calendar: StoredCalendar): RawBuilder<boolean> {
  const { account_id, facility_id, doctor_id, address_id, strategy, settings } = valuesOf(calendar);
  return sql`(account_id, facility_id, doctor_id, address_id, strategy, settings, closing_since) IS NOT DISTINCT FROM
    (${account_id}, ${facility_id}, ${doctor_id}, ${address_id}, ${strategy}, ${settings}::jsonb,
     ${calendar.closing?.since ?? null}::timestamptz)`;
}

function valuesOf(calendar: Calendar) {
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

/** Leaves the marketplace as it is. @returns whether it was there; what the record knew of it goes with it */
export async function deleteCalendar(db: Db, id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.calendars')
    .where('id', '=', id)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/**
 * The calendar at an address of a facility, whichever doctor's that is: a booking may move to any of them. Where several have an
 * address of this id, the doctor's own counts. Contract: moveBooking.
 * @param from where the booking is
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

/** The id of the calendar that is this doctor at this address, if one is. */
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

/** Locks the calendar until the transaction ends. @returns whether it is still at that address */
export async function lockCalendarAtAddress(tx: Db, calendar: Calendar): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM slotkeeper.calendars
    WHERE id = ${calendar.id} AND account_id = ${calendar.account} AND facility_id = ${calendar.facilityId}
      AND doctor_id = ${calendar.doctorId} AND address_id = ${calendar.addressId}
    FOR NO KEY UPDATE`.execute(tx);
  return rows.length > 0;
}
