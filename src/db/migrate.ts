/** Brings the record's tables up to date. */
import { isDeepStrictEqual } from 'node:util';
import { type Migration, Migrator, sql } from 'kysely';
import * as theRecord from './migrations/001-the-record.js';
import * as marketplaceBookings from './migrations/002-marketplace-bookings.js';
import * as notifications from './migrations/003-notifications.js';
import * as holds from './migrations/004-holds.js';
import * as notificationsIn from './migrations/005-notifications-in.js';
import * as resync from './migrations/006-resync.js';
import * as resyncEnds from './migrations/007-resync-ends.js';
import * as sentMoves from './migrations/008-sent-moves.js';
import * as breaksElsewhere from './migrations/009-breaks-elsewhere.js';
import * as resyncRetries from './migrations/010-resync-retries.js';
import * as resyncSources from './migrations/011-resync-sources.js';
import * as coupledBreaks from './migrations/012-coupled-breaks.js';
import * as retries from './migrations/013-retries.js';
import * as addressServices from './migrations/014-address-services.js';
import * as closingCalendars from './migrations/015-closing-calendars.js';
import * as movedBookings from './migrations/016-moved-bookings.js';
import * as refusedEvents from './migrations/018-refused-events.js';
import * as verifications from './migrations/019-verifications.js';
import * as probes from './migrations/020-probes.js';
import * as accountsOverHttp from './migrations/021-accounts-over-http.js';
import * as eventContents from './migrations/023-event-contents.js';
import * as accountStates from './migrations/025-account-states.js';
import * as queuePositions from './migrations/026-queue-positions.js';
import type { Db } from './schema.js';

/** In order; a migration that has been released is never changed. */
const migrations: { readonly [name: string]: Migration } = {
  '001-the-record': theRecord,
  '002-marketplace-bookings': marketplaceBookings,
  '003-notifications': notifications,
  '004-holds': holds,
  '005-notifications-in': notificationsIn,
  '006-resync': resync,
  '007-resync-ends': resyncEnds,
  '008-sent-moves': sentMoves,
  '009-breaks-elsewhere': breaksElsewhere,
  '010-resync-retries': resyncRetries,
  '011-resync-sources': resyncSources,
  '012-coupled-breaks': coupledBreaks,
  '013-retries': retries,
  '014-address-services': addressServices,
  '015-closing-calendars': closingCalendars,
  '016-moved-bookings': movedBookings,
  '018-refused-events': refusedEvents,
  '019-verifications': verifications,
  '020-probes': probes,
  '021-accounts-over-http': accountsOverHttp,
  '023-event-contents': eventContents,
  '025-account-states': accountStates,
  '026-queue-positions': queuePositions,
};

/** @throws an error where a newer version has changed the tables */
export async function migrate(db: Db): Promise<void> {
  // The migrator reads PostgreSQL's whole catalogue to learn the same.
  if (await isUpToDate(db)) return;
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
    migrationTableSchema: 'slotkeeper',
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

async function isUpToDate(db: Db): Promise<boolean> {
  const { rows: tables } = await sql`
    SELECT WHERE to_regclass('slotkeeper.kysely_migration') IS NOT NULL`.execute(db);
  if (tables.length === 0) return false;
  const { rows: done } = await sql<{ name: string }>`
    SELECT name FROM slotkeeper.kysely_migration ORDER BY name`.execute(db);
  return isDeepStrictEqual(
    done.map(({ name }) => name),
    Object.keys(migrations),
  );
}
