/**
 * What the marketplace said, kept for the clinic. Its data is sealed; everything else of a row is about no person.
 *
 * Rows commit in another order than they were begun in, so a reader who asks for what comes after the last one he saw
 * could miss a late one. Positions are therefore given out after the commit, by whoever reads next.
 */
import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { Encryptor } from '../../crypto/encryptor.js';
import { randomBytes } from '../../crypto/random-bytes.js';
import { replaceUnstorable } from '../../lib/storable-text.js';
import type { StatementPart } from '../combined-write.js';
import type { Db, NotificationsTable } from '../schema.js';
import type { NotificationItem } from './notification-item.js';

export type { NotificationItem } from './notification-item.js';

export interface NewNotification {
  readonly account: string;
  /** Ours; null where it is about none, or about one that is not known here. */
  readonly calendar: string | null;
  readonly name: string;
  /** Of the content: the same hash of the same account is a repeat. */
  readonly hash: string;
  /** When the marketplace says that it said it. */
  readonly createdAt: Date | null;
  readonly source: 'push' | 'pull' | 'sweep' | 'engine';
  /** The marketplace's visit booking id. */
  readonly booking?: string | undefined;
  /** The PMS's appointment that the booking is linked to. */
  readonly ref?: string | undefined;
  /** The visit booking id that the booking has now, where it has moved since. */
  readonly movedTo?: string | undefined;
  /** As it came. It may be about patients, and is kept sealed. */
  readonly data: unknown;
  /** Where it could not be read, without any of its values. */
  readonly problem?: string | undefined;
}

export interface AddedNotification {
  readonly id: string;
  readonly account: string;
  readonly calendar: string | null;
}

export interface Added {
  /** Those that are new, in the order in which they were given. */
  readonly added: readonly AddedNotification[];
  /** How many were there already. */
  readonly repeated: number;
}

const CURSOR_AT_START = '0';
/** Given out in one go, at most. */
const MAX_POSITIONS = 5_000;
/** Of data as it is stored, in one page and in one batch, as far as it is not that of a single item. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

/** What a seal is bound to: the data of one row does not open in another. */
export const contextOf = (id: string): string => `notification/${id}`;

/**
 * Keeps them, in the transaction that applies them to the record: what is answered 2xx is in it.
 * @param now when they came
 */
export async function addNotifications(
  tx: Db,
  encryptor: Encryptor,
  items: readonly NewNotification[],
  now: Date,
): Promise<Added> {
  const rows = (await addingNotifications(encryptor, items, now)?.execute(tx))?.rows ?? [];
  return addedOf(rows, items);
}

/** A row that was not there yet. */
export interface AddedRow extends AddedNotification {
  readonly seq: string | number;
}

/** The same as a part of a statement; absent where there is nothing to keep. */
export function addingNotifications(
  encryptor: Encryptor,
  items: readonly NewNotification[],
  now: Date,
): StatementPart<AddedRow> | undefined {
  if (items.length === 0) return undefined;
  const rows = items.map((item, n) => {
    const id = `ntf_${randomBytes(15).toString('base64url')}`;
    return {
      n,
      id,
      account: item.account,
      calendar: item.calendar,
      name: replaceUnstorable(item.name),
      hash: item.hash,
      created: item.createdAt,
      source: item.source,
      booking: item.booking === undefined ? null : replaceUnstorable(item.booking),
      ref: item.ref === undefined ? null : replaceUnstorable(item.ref),
      movedTo: item.movedTo === undefined ? null : replaceUnstorable(item.movedTo),
      data: encryptor.encrypt(item.data, contextOf(id)).toString('base64'),
      problem: item.problem === undefined ? null : replaceUnstorable(item.problem),
    };
  });
  // Numbered as they were given, and written in the order of their hashes: two batches that hold the same two
  // notifications cannot wait for each other.
  return sql<AddedRow>`
    WITH given AS MATERIALIZED (
      SELECT o.*, nextval('slotkeeper.notification_seq') AS seq
      FROM (
        SELECT * FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          AS k (n integer, id text, account text, calendar text, name text, hash text, created timestamptz,
                source text, booking text, ref text, "movedTo" text, data text, problem text)
        ORDER BY n LIMIT ${rows.length}) o)
    INSERT INTO slotkeeper.notifications
      (seq, id, account_id, calendar_id, name, hash, created_at, received_at, source, booking_id, ref, moved_to, data,
       problem)
    SELECT seq, id, account, calendar, name, hash, created, ${now}::timestamptz, source, booking, ref,
           "movedTo", decode(data, 'base64'), problem
    FROM given
    ORDER BY account, hash, n
    ON CONFLICT (account_id, hash) DO NOTHING
    RETURNING id, account_id AS account, calendar_id AS calendar, seq`;
}

/** What became of them. */
export function addedOf(rows: readonly AddedRow[], items: readonly NewNotification[]): Added {
  return {
    added: [...rows]
      .sort((a, b) => Number(a.seq) - Number(b.seq))
      .map(({ id, account, calendar }) => ({ id, account, calendar })),
    repeated: items.length - rows.length,
  };
}

/** Gives every committed row its place, so that a row that commits later stands after all that were readable before. */
export async function assignPositions(db: Db): Promise<void> {
  while (await hasNew(db)) {
    await db.transaction().execute(async (tx) => {
      // One at a time, and each sees what the one before has committed: the lock is held until then.
      await sql`SELECT pg_advisory_xact_lock(hashtext('slotkeeper.notification_position'))`.execute(tx);
      await sql`
        WITH fresh AS MATERIALIZED (
          SELECT o.id, nextval('slotkeeper.notification_position') AS position
          FROM (SELECT id FROM slotkeeper.notifications WHERE position IS NULL
                ORDER BY seq LIMIT ${MAX_POSITIONS}) o)
        UPDATE slotkeeper.notifications n SET position = fresh.position FROM fresh WHERE n.id = fresh.id`.execute(
        tx,
      );
    });
  }
}

async function hasNew(db: Db): Promise<boolean> {
  const row = await db
    .selectFrom('slotkeeper.notifications')
    .select('id')
    .where('position', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export interface FeedQuery {
  /** A cursor that was given before; without one, from the oldest that is kept. */
  readonly after?: string | undefined;
  /** Items at most; fewer where their data is large. */
  readonly limit: number;
}

export interface Feed {
  readonly items: readonly NotificationItem[];
  /** What to ask with next; the same again where nothing came. */
  readonly next: string;
}

/**
 * Whether the rows up to this one, in this order, make no more than a page together; the first one always does. Only lengths are
 * read: a row outside the page costs no more than its other columns.
 */
export const isOfPage = (order: string): RawBuilder<boolean> => {
  const ordered = sql`ORDER BY ${sql.ref(order)}`;
  return sql<boolean>`
    (row_number() OVER (${ordered}) = 1
      OR sum(octet_length(data)::bigint) OVER (${ordered} ROWS UNBOUNDED PRECEDING) <= ${MAX_PAGE_BYTES})`;
};

/** What comes after the cursor, in an order that never changes and into which nothing is ever put behind a reader. */
export async function feed(db: Db, encryptor: Encryptor, { after, limit }: FeedQuery): Promise<Feed> {
  const from = after ?? CURSOR_AT_START;
  await assignPositions(db);
  const rows = await db
    .selectFrom((some) =>
      some
        .selectFrom('slotkeeper.notifications')
        .select(ITEM_COLUMNS)
        .select(isOfPage('position').as('isOfPage'))
        .where('position', '>', from)
        .orderBy('position')
        .limit(limit)
        .as('page'),
    )
    .select(ITEM_COLUMNS)
    .where('isOfPage', '=', true)
    .orderBy('position')
    .execute();
  const items = rows.map((row) => toItem(row, encryptor));
  return { items, next: items.at(-1)?.cursor ?? from };
}

/** By the hashes of those of them that are kept and were applied, the calendars that they are about. */
export async function calendarsOfKept(
  db: Db,
  account: string,
  hashes: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  if (hashes.length === 0) return new Map();
  const rows = await db
    .selectFrom('slotkeeper.notifications')
    .select(['hash', 'calendar_id'])
    .where('account_id', '=', account)
    .where('hash', 'in', [...hashes])
    .where('problem', 'is', null)
    .execute();
  return new Map(rows.map(({ hash, calendar_id: calendar }) => [hash, calendar]));
}

/** By the id of a booking, the names of the notifications that are kept about it. */
export async function findNotifiedBookings(
  db: Db,
  account: string,
  bookings: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const heard = new Map<string, Set<string>>();
  if (bookings.length === 0) return heard;
  const rows = await db
    .selectFrom('slotkeeper.notifications')
    .select(['booking_id', 'name'])
    .where('account_id', '=', account)
    .where('booking_id', 'in', [...bookings])
    .execute();
  for (const { booking_id: id, name } of rows) {
    if (id !== null) heard.set(id, (heard.get(id) ?? new Set()).add(name));
  }
  return heard;
}

/**
 * The ids of a calendar's bookings that the record knows to be over, by a reading, while the clinic was only told that they
 * were made. @param after those whose time was over by then are nobody's news
 */
export async function findUnreportedEndings(db: Db, calendar: string, after: Date): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT b.id FROM slotkeeper.bookings b
    JOIN slotkeeper.calendars c ON c.id = b.calendar_id
    WHERE b.calendar_id = ${calendar} AND b.status <> 'booked' AND NOT b.placeholder AND b.end_at > ${after}
      AND EXISTS (
        SELECT FROM slotkeeper.notifications n
        WHERE n.account_id = c.account_id AND n.booking_id = b.id AND n.name IN ('slot-booked', 'booking-moved'))
      AND NOT EXISTS (
        SELECT FROM slotkeeper.notifications n
        WHERE n.account_id = c.account_id
          AND (n.booking_id = b.moved_to AND n.name = 'booking-moved'
            OR n.booking_id = b.id AND n.name = 'booking-canceled'))`.execute(db);
  return rows.map(({ id }) => id);
}

export async function getNotification(
  db: Db,
  encryptor: Encryptor,
  id: string,
): Promise<NotificationItem | undefined> {
  await assignPositions(db);
  const row = await db
    .selectFrom('slotkeeper.notifications')
    .select(ITEM_COLUMNS)
    .where('id', '=', id)
    .executeTakeFirst();
  return row && toItem(row, encryptor);
}

export const ITEM_COLUMNS = [
  'position',
  'id',
  'account_id',
  'calendar_id',
  'name',
  'created_at',
  'received_at',
  'booking_id',
  'ref',
  'moved_to',
  'data',
  'problem',
] as const;

export type ItemRow = Pick<Selectable<NotificationsTable>, (typeof ITEM_COLUMNS)[number]>;

/** @throws {UnknownKeyError} */
export function toItem(row: ItemRow, encryptor: Encryptor): NotificationItem {
  const item = {
    cursor: row.position ?? CURSOR_AT_START,
    id: row.id,
    account: row.account_id,
    calendar: row.calendar_id,
    name: row.name,
    createdAt: row.created_at?.toISOString() ?? null,
    receivedAt: row.received_at.toISOString(),
    booking: row.booking_id,
    ref: row.ref,
    ...(row.moved_to === null ? {} : { movedTo: row.moved_to }),
    ...(row.data === null
      ? { data: null, purged: true }
      : { data: encryptor.decrypt(row.data, contextOf(row.id)) }),
    ...(row.problem === null ? {} : { problem: row.problem }),
  };
  // Whatever was kept: its type says what the names that are known here come with.
  return item as NotificationItem;
}
