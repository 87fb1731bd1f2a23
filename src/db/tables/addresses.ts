/**
 * Assigns addresses of the marketplace to calendars: an address has one calendar at most, across all accounts. Where a calendar
 * moves, its former address becomes a calendar row of its own that is closed, with all that the marketplace has there.
 */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { Db } from '../schema.js';
import { AddressTakenError } from './address-taken-error.js';

/** A calendar's id and address. */
export interface CalendarAddress {
  readonly id: string;
  readonly account: string;
  readonly facilityId: string;
  readonly doctorId: string;
  readonly addressId: string;
}

/** Until the transaction ends no other one assigns addresses. */
export async function lockAddresses(tx: Db): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtext('slotkeeper addresses'))`.execute(tx);
}

/** @throws {AddressTakenError} where another calendar has the address, or had it and is not closed there yet */
export async function assertAddressFree(db: Db, at: CalendarAddress): Promise<void> {
  const { rows } = await sql<{ id: string; closing: boolean }>`
    SELECT coalesce(c.former_of, c.id) AS id, c.closing_since IS NOT NULL AS closing
    FROM slotkeeper.calendars c JOIN slotkeeper.accounts a ON a.id = c.account_id
    WHERE c.facility_id = ${at.facilityId} AND c.doctor_id = ${at.doctorId} AND c.address_id = ${at.addressId}
      AND a.base_url = (SELECT base_url FROM slotkeeper.accounts WHERE id = ${at.account})
      AND c.id <> ${at.id} AND c.former_of IS DISTINCT FROM ${at.id}
    ORDER BY c.closing_since NULLS FIRST LIMIT 1`.execute(db);
  const [other] = rows;
  if (other !== undefined) throw new AddressTakenError(other.id, other.closing);
}

/** @throws {AddressTakenError} for the first calendar of the account whose address another calendar has */
export async function assertAddressesFree(db: Db, account: string): Promise<void> {
  const rows = await db
    .selectFrom('slotkeeper.calendars')
    .select(['id', 'former_of', 'facility_id', 'doctor_id', 'address_id'])
    .where('account_id', '=', account)
    .execute();
  for (const { id, former_of, facility_id: facilityId, doctor_id: doctorId, address_id: addressId } of rows) {
    await assertAddressFree(db, { id: former_of ?? id, account, facilityId, doctorId, addressId });
  }
}

/** Whether both addresses are the same; two accounts may share a host. */
export async function isSameAddress(db: Db, a: CalendarAddress, b: CalendarAddress): Promise<boolean> {
  if (a.facilityId !== b.facilityId || a.doctorId !== b.doctorId || a.addressId !== b.addressId) return false;
  if (a.account === b.account) return true;
  const { rows } = await sql`
    SELECT FROM slotkeeper.accounts a JOIN slotkeeper.accounts b ON b.base_url = a.base_url
    WHERE a.id = ${a.account} AND b.id = ${b.account}`.execute(db);
  return rows.length > 0;
}

/**
 * Moves a calendar to another address. The old address becomes a row that is being closed. That row keeps the lease, so a
 * worker that is writing to the old address cannot begin another write. Bookings stay at the old address; a booking that is
 * linked to no appointment continues to occupy the calendar's time, as an occupancy.
 * @param tx a transaction that holds `lockAddresses` and in which the new address is free
 */
export async function changeAddress(tx: Db, to: CalendarAddress, now: Date): Promise<void> {
  const { id } = to;
  const old = await tx
    .selectFrom('slotkeeper.calendars')
    .select(['account_id', 'facility_id', 'doctor_id', 'address_id', 'strategy', 'settings'])
    .select(['lease_token', 'lease_until', 'bookings_read_at'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirstOrThrow();
  await insertBookingsAsOccupancies(tx, id, now);
  const returnedTo = await lockFormerAddress(tx, to);
  // The unique constraint allows no two rows at one address.
  if (returnedTo !== undefined) {
    await sql`UPDATE slotkeeper.calendars SET address_id = '' WHERE id = ${returnedTo}`.execute(tx);
  }
  await sql`
    UPDATE slotkeeper.calendars SET
      account_id = ${to.account}, facility_id = ${to.facilityId}, doctor_id = ${to.doctorId},
      address_id = ${to.addressId}, lease_token = NULL, lease_until = NULL, bookings_read_at = NULL
    WHERE id = ${id}`.execute(tx);
  const former = `${id.slice(0, 80)}@${randomBytes(4).toString('hex')}`;
  await tx
    .insertInto('slotkeeper.calendars')
    .values({
      ...old,
      id: former,
      settings: JSON.stringify(old.settings),
      former_of: id,
      closing_since: now,
    })
    .execute();
  await moveMarketplaceRows(tx, id, former);
  // Appointments belong to the calendar, so the bookings of its former address are neither synced nor cancelled.
  await sql`
    UPDATE slotkeeper.bookings SET ref_start = NULL, failed_for = NULL, failed_reason = NULL
    WHERE calendar_id = ${former}`.execute(tx);
  await sql`
    INSERT INTO slotkeeper.days
      (calendar_id, date, generation, pending_since, published, verified, published_at, shown, shown_at)
    SELECT ${former}, date, 1, ${now}::timestamptz, published, verified, published_at, shown, shown_at
    FROM slotkeeper.days WHERE calendar_id = ${id} AND published IS NOT NULL`.execute(tx);
  if (returnedTo !== undefined) await mergeFormerAddress(tx, returnedTo, id);
}

async function insertBookingsAsOccupancies(tx: Db, calendar: string, now: Date): Promise<void> {
  await sql`
    INSERT INTO slotkeeper.occupancy (calendar_id, ref, start_at, end_at, kind, service, updated_at)
    SELECT calendar_id, 'booking-' || id, start_at, end_at, 'booking', service, ${now}::timestamptz
    FROM slotkeeper.bookings
    WHERE calendar_id = ${calendar} AND status = 'booked' AND NOT placeholder AND ref IS NULL AND end_at > ${now}
    ON CONFLICT (calendar_id, ref) DO NOTHING`.execute(tx);
}

/** @returns the row of the calendar's former address, where the new address is that one */
async function lockFormerAddress(tx: Db, at: CalendarAddress): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    SELECT c.id FROM slotkeeper.calendars c JOIN slotkeeper.accounts a ON a.id = c.account_id
    WHERE c.former_of = ${at.id} AND c.facility_id = ${at.facilityId} AND c.doctor_id = ${at.doctorId}
      AND c.address_id = ${at.addressId}
      AND a.base_url = (SELECT base_url FROM slotkeeper.accounts WHERE id = ${at.account})
    FOR UPDATE OF c`.execute(tx);
  return rows[0]?.id;
}

/** Moves what the marketplace has at a former address back to the calendar, and deletes the former address. */
async function mergeFormerAddress(tx: Db, former: string, calendar: string): Promise<void> {
  await moveMarketplaceRows(tx, former, calendar);
  await sql`
    DELETE FROM slotkeeper.occupancy o USING slotkeeper.bookings b
    WHERE o.calendar_id = ${calendar} AND b.calendar_id = ${calendar} AND o.ref = 'booking-' || b.id`.execute(
    tx,
  );
  await sql`
    UPDATE slotkeeper.calendars c SET lease_token = f.lease_token, lease_until = f.lease_until
    FROM slotkeeper.calendars f WHERE c.id = ${calendar} AND f.id = ${former}`.execute(tx);
  await sql`DELETE FROM slotkeeper.calendars WHERE id = ${former}`.execute(tx);
}

/** The tables of what the marketplace has at an address. */
const MARKETPLACE_TABLES = ['bookings', 'breaks', 'in_doubt', 'payloads'] as const;

async function moveMarketplaceRows(tx: Db, from: string, to: string): Promise<void> {
  for (const table of MARKETPLACE_TABLES) {
    await sql`
      UPDATE ${sql.table(`slotkeeper.${table}`)} SET calendar_id = ${to} WHERE calendar_id = ${from}`.execute(
      tx,
    );
  }
}
