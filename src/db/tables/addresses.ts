/**
 * Which calendar is at which address of the marketplace: one at most, in whatever account. Where a calendar changes its
 * address, the old one becomes an entry of its own that is being closed, with everything that the marketplace has there.
 */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { Db } from '../schema.js';
import { AddressTakenError } from './address-taken-error.js';

/** A calendar, and where it is. */
export interface CalendarAddress {
  readonly id: string;
  readonly account: string;
  readonly facilityId: string;
  readonly doctorId: string;
  readonly addressId: string;
}

/** Until the transaction ends nobody else gives calendars an address. */
export async function lockAddresses(tx: Db): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtext('slotkeeper addresses'))`.execute(tx);
}

/** @throws {AddressTakenError} where another calendar is there, or was and is not closed yet */
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

/** The same for all calendars of an account. */
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

/** Whether both are the same address, be it by two accounts of one host. */
export async function isSameAddress(db: Db, a: CalendarAddress, b: CalendarAddress): Promise<boolean> {
  if (a.facilityId !== b.facilityId || a.doctorId !== b.doctorId || a.addressId !== b.addressId) return false;
  if (a.account === b.account) return true;
  const { rows } = await sql`
    SELECT FROM slotkeeper.accounts a JOIN slotkeeper.accounts b ON b.base_url = a.base_url
    WHERE a.id = ${a.account} AND b.id = ${b.account}`.execute(db);
  return rows.length > 0;
}

/**
 * Moves a calendar to another address. The old one becomes an entry that is being closed; it stays leased to whoever is
 * writing to it, who cannot begin another write. Bookings stay at the old address. One that none of the clinic's
 * appointments stands for goes on taking the calendar's time, as an occupancy.
 * @param tx a transaction in which the addresses are locked, and the new one is no other calendar's
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
  await takeTimeOfBookings(tx, id, now);
  const known = await formerAt(tx, to);
  // No two are at one address at any moment.
  if (known !== undefined) {
    await sql`UPDATE slotkeeper.calendars SET address_id = '' WHERE id = ${known}`.execute(tx);
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
  await giveAddress(tx, id, former);
  // Its appointments are the calendar's, not the address's: nothing of it is to follow, or to be cancelled.
  await sql`
    UPDATE slotkeeper.bookings SET ref_start = NULL, failed_for = NULL, failed_reason = NULL
    WHERE calendar_id = ${former}`.execute(tx);
  await sql`
    INSERT INTO slotkeeper.days (calendar_id, date, generation, pending_since, published, verified, published_at)
    SELECT ${former}, date, 1, ${now}::timestamptz, published, verified, published_at
    FROM slotkeeper.days WHERE calendar_id = ${id} AND published IS NOT NULL`.execute(tx);
  if (known !== undefined) await takeBack(tx, known, id);
}

async function takeTimeOfBookings(tx: Db, calendar: string, now: Date): Promise<void> {
  await sql`
    INSERT INTO slotkeeper.occupancy (calendar_id, ref, start_at, end_at, kind, service, updated_at)
    SELECT calendar_id, 'booking-' || id, start_at, end_at, 'booking', service, ${now}::timestamptz
    FROM slotkeeper.bookings
    WHERE calendar_id = ${calendar} AND status = 'booked' AND NOT placeholder AND ref IS NULL AND end_at > ${now}
    ON CONFLICT (calendar_id, ref) DO NOTHING`.execute(tx);
}

/** The entry of a former address of the calendar, where it is the one that it comes back to. */
async function formerAt(tx: Db, at: CalendarAddress): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    SELECT c.id FROM slotkeeper.calendars c JOIN slotkeeper.accounts a ON a.id = c.account_id
    WHERE c.former_of = ${at.id} AND c.facility_id = ${at.facilityId} AND c.doctor_id = ${at.doctorId}
      AND c.address_id = ${at.addressId}
      AND a.base_url = (SELECT base_url FROM slotkeeper.accounts WHERE id = ${at.account})
    FOR UPDATE OF c`.execute(tx);
  return rows[0]?.id;
}

async function takeBack(tx: Db, former: string, calendar: string): Promise<void> {
  await giveAddress(tx, former, calendar);
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

/** What the marketplace has at an address, as far as the record knows. */
const AT_ADDRESS = ['bookings', 'breaks', 'payloads'] as const;

async function giveAddress(tx: Db, from: string, to: string): Promise<void> {
  for (const table of AT_ADDRESS) {
    await sql`
      UPDATE ${sql.table(`slotkeeper.${table}`)} SET calendar_id = ${to} WHERE calendar_id = ${from}`.execute(
      tx,
    );
  }
}
