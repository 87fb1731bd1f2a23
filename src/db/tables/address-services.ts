/**
 * What an address has, as it was last read: its services, and whether its calendar can be booked. A service that windows
 * name and that is not there any more stays known as gone, and is offered to nobody until it is back.
 */
import { sql } from 'kysely';
import { DAY } from '../../core/duration.js';
import type { Db } from '../schema.js';
import type { WindowTerms } from './windows.js';

/** `none`: the address has no calendar yet. */
export type MarketplaceStatus = 'enabled' | 'disabled' | 'none';

export interface AddressService {
  readonly id: string;
  readonly name: string | null;
  /** Minutes; null where the marketplace did not say. */
  readonly duration: number | null;
  /** Since when a reading of the address is without it, although windows name it; null while it is there. */
  readonly goneSince: Date | null;
}

export interface Address {
  /** Null where it was never read. */
  readonly status: MarketplaceStatus | null;
  readonly readAt: Date | null;
  readonly services: readonly AddressService[];
}

/** Over so long the first readings of all calendars are spread. */
const SPREAD_SECONDS = 60 * 60;

/** @returns undefined where there is no such calendar */
export async function getAddress(db: Db, calendar: string): Promise<Address | undefined> {
  const row = await db
    .selectFrom('slotkeeper.calendars')
    .select(['marketplace_status', 'address_read_at'])
    .where('id', '=', calendar)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const services = await db
    .selectFrom('slotkeeper.address_services')
    .select(['id', 'name', 'duration', 'gone_since'])
    .where('calendar_id', '=', calendar)
    .orderBy('id')
    .execute();
  return {
    status: row.marketplace_status,
    readAt: row.address_read_at,
    services: services.map(({ gone_since: goneSince, ...service }) => ({ ...service, goneSince })),
  };
}

/** The services that windows name which are not over yet. */
export async function findServicesInUse(db: Db, calendar: string, now: Date): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ id: string }>`
    SELECT DISTINCT s ->> 'id' AS id
    FROM slotkeeper.windows w CROSS JOIN LATERAL jsonb_array_elements(w.services) s
    WHERE w.calendar_id = ${calendar} AND w.end_at > ${now}`.execute(db);
  return new Set(rows.map(({ id }) => id));
}

/** These and no others; one that is dropped stays so for as long as it is gone. */
export async function saveAddressServices(
  tx: Db,
  calendar: string,
  services: readonly AddressService[],
): Promise<void> {
  const ids = services.map(({ id }) => id);
  await sql`
    DELETE FROM slotkeeper.address_services
    WHERE calendar_id = ${calendar} AND id <> ALL (${ids}::text[])`.execute(tx);
  await sql`
    INSERT INTO slotkeeper.address_services AS s (calendar_id, id, name, duration, gone_since)
    SELECT ${calendar}, k.id, k.name, k.duration, k."goneSince"
    FROM jsonb_to_recordset(${JSON.stringify(services)}::jsonb)
      AS k (id text, name text, duration integer, "goneSince" timestamptz)
    ON CONFLICT (calendar_id, id) DO UPDATE SET
      name = excluded.name, duration = excluded.duration, gone_since = excluded.gone_since,
      dropped = s.dropped AND excluded.gone_since IS NOT NULL`.execute(tx);
}

/** Writes down that it was read: the next reading is due a day later. */
export async function recordAddressRead(
  tx: Db,
  calendar: string,
  status: MarketplaceStatus | null,
  now: Date,
): Promise<void> {
  await tx
    .updateTable('slotkeeper.calendars')
    .set({
      marketplace_status: status,
      address_read_at: now,
      address_due_at: new Date(now.getTime() + DAY),
    })
    .where('id', '=', calendar)
    .execute();
}

/** Has them read then. */
export async function scheduleAddressReads(db: Db, calendars: readonly string[], at: Date): Promise<void> {
  if (calendars.length === 0) return;
  await db
    .updateTable('slotkeeper.calendars')
    .set({ address_due_at: at })
    .where('id', 'in', [...calendars])
    .execute();
}

/** What was read at another address, or as another client, says nothing of these calendars. */
export async function resetAddressReads(tx: Db, calendars: readonly string[]): Promise<void> {
  if (calendars.length === 0) return;
  await tx
    .deleteFrom('slotkeeper.address_services')
    .where('calendar_id', 'in', [...calendars])
    .execute();
  await tx
    .updateTable('slotkeeper.calendars')
    .set({
      marketplace_status: null,
      address_read_at: null,
      address_due_at: null,
      cut: null,
      read_lag_ms: 0,
    })
    .where('id', 'in', [...calendars])
    .execute();
}

export async function isAddressReadDue(db: Db, calendar: string, now: Date): Promise<boolean> {
  const row = await db
    .selectFrom('slotkeeper.calendars')
    .select('id')
    .where('id', '=', calendar)
    .where('address_due_at', '<=', now)
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Idle calendars whose address is due to be read, those that wait for longest first. One that was never read becomes due
 * within an hour.
 */
export async function calendarsToRead(db: Db, now: Date, limit: number): Promise<string[]> {
  await sql`
    UPDATE slotkeeper.calendars
    SET address_due_at = ${now}::timestamptz
      + make_interval(secs => mod(abs(hashtext(id)::bigint), ${SPREAD_SECONDS})::double precision)
    WHERE id IN (
      SELECT id FROM slotkeeper.calendars WHERE address_due_at IS NULL FOR NO KEY UPDATE SKIP LOCKED)`.execute(
    db,
  );
  const rows = await db
    .selectFrom('slotkeeper.calendars')
    .select('id')
    .where('address_due_at', '<=', now)
    .where('failed_reason', 'is', null)
    .where('retry_at', 'is', null)
    .where('queued_priority', 'is', null)
    .orderBy('address_due_at')
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id);
}

/** The ids of the services of a calendar's address that are gone. */
export async function findGoneServiceIds(db: Db, calendar: string): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('slotkeeper.address_services')
    .select('id')
    .where('calendar_id', '=', calendar)
    .where('gone_since', 'is not', null)
    .execute();
  return new Set(rows.map(({ id }) => id));
}

/** The windows as they can be offered: without services that are gone. */
export function withoutGoneServices<Window extends Pick<WindowTerms, 'services'>>(
  windows: readonly Window[],
  gone: ReadonlySet<string>,
): readonly Window[] {
  if (gone.size === 0) return windows;
  return windows
    .map((window) => ({ ...window, services: window.services.filter(({ id }) => !gone.has(id)) }))
    .filter(({ services }) => services.length > 0);
}

export interface GoneService {
  readonly calendar: string;
  readonly service: string;
  readonly name: string | null;
  readonly since: Date;
}

/** Those that windows still name and nobody has dropped. */
export async function listGoneServices(db: Db, now: Date): Promise<GoneService[]> {
  const { rows } = await sql<GoneService>`
    SELECT s.calendar_id AS calendar, s.id AS service, s.name, s.gone_since AS since
    FROM slotkeeper.address_services s
    WHERE s.gone_since IS NOT NULL AND NOT s.dropped AND EXISTS (
      SELECT FROM slotkeeper.windows w
      WHERE w.calendar_id = s.calendar_id AND w.end_at > ${now}
        AND w.services @> jsonb_build_array(jsonb_build_object('id', s.id)))
    ORDER BY s.calendar_id, s.id`.execute(db);
  return rows;
}

export interface ServiceKey {
  readonly calendar: string;
  readonly service: string;
}

/** Has their addresses read anew. @returns those of which there was such a failure */
export async function retryGoneServices(
  db: Db,
  services: readonly ServiceKey[],
  now: Date,
): Promise<ServiceKey[]> {
  const { rows } = await sql<ServiceKey>`
    WITH gone AS (
      SELECT s.calendar_id AS calendar, s.id AS service FROM slotkeeper.address_services s
      JOIN jsonb_to_recordset(${JSON.stringify(services)}::jsonb) AS k (calendar text, service text)
        ON s.calendar_id = k.calendar AND s.id = k.service
      WHERE s.gone_since IS NOT NULL AND NOT s.dropped
    ), due AS (
      UPDATE slotkeeper.calendars SET address_due_at = ${now}
      WHERE id IN (SELECT calendar FROM gone)
      RETURNING id)
    SELECT gone.* FROM gone JOIN due ON due.id = gone.calendar`.execute(db);
  return rows;
}

/** They are reported no more, unless they come back and go again. @returns those of which there was such a failure */
export async function dropGoneServices(db: Db, services: readonly ServiceKey[]): Promise<ServiceKey[]> {
  const { rows } = await sql<ServiceKey>`
    UPDATE slotkeeper.address_services s SET dropped = true
    FROM jsonb_to_recordset(${JSON.stringify(services)}::jsonb) AS k (calendar text, service text)
    WHERE s.calendar_id = k.calendar AND s.id = k.service AND s.gone_since IS NOT NULL AND NOT s.dropped
    RETURNING s.calendar_id AS calendar, s.id AS service`.execute(db);
  return rows;
}
