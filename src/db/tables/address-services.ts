/**
 * Queries of an address as last read: its services, and whether its calendar can be booked. A service that windows name but the
 * address has no more stays stored as gone, and is not published until it exists again.
 */
import { sql } from 'kysely';
import type { Db } from '../schema.js';
import type { WindowTerms } from './windows.js';

/** `none`: the address has no calendar yet. */
export type MarketplaceStatus = 'enabled' | 'disabled' | 'none';

export interface AddressService {
  readonly id: string;
  readonly name: string | null;
  /** Minutes; null where the marketplace reported none. */
  readonly duration: number | null;
  /** Since when reads of the address lack the service, although windows name it; null while it exists. */
  readonly goneSince: Date | null;
}

export interface Address {
  /** Null where the address was never read. */
  readonly status: MarketplaceStatus | null;
  readonly readAt: Date | null;
  readonly services: readonly AddressService[];
}

/** @returns undefined where the calendar does not exist */
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

/** @returns the ids of the services of windows that end after `now` */
export async function findServicesInUse(db: Db, calendar: string, now: Date): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ id: string }>`
    SELECT DISTINCT s ->> 'id' AS id
    FROM slotkeeper.windows w CROSS JOIN LATERAL jsonb_array_elements(w.services) s
    WHERE w.calendar_id = ${calendar} AND w.end_at > ${now}`.execute(db);
  return new Set(rows.map(({ id }) => id));
}

/** Replaces the stored services. A dropped service stays dropped as long as it is gone. */
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

/** Deletes the results of earlier reads, which do not apply to another address or another client. */
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

export async function findGoneServiceIds(db: Db, calendar: string): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('slotkeeper.address_services')
    .select('id')
    .where('calendar_id', '=', calendar)
    .where('gone_since', 'is not', null)
    .execute();
  return new Set(rows.map(({ id }) => id));
}

/** @returns the windows that can be published: without gone services, and without windows that have no other */
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

/** Lists the gone services that windows still name and that are not dropped. */
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

/** Schedules a read of the services' addresses. @returns the services that are gone and not dropped */
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

/** Drops the failures until the services exist again. @returns the services that are gone and were not dropped */
export async function dropGoneServices(db: Db, services: readonly ServiceKey[]): Promise<ServiceKey[]> {
  const { rows } = await sql<ServiceKey>`
    UPDATE slotkeeper.address_services s SET dropped = true
    FROM jsonb_to_recordset(${JSON.stringify(services)}::jsonb) AS k (calendar text, service text)
    WHERE s.calendar_id = k.calendar AND s.id = k.service AND s.gone_since IS NOT NULL AND NOT s.dropped
    RETURNING s.calendar_id AS calendar, s.id AS service`.execute(db);
  return rows;
}
