/**
 * Queries of `slotkeeper.notifications`: what the marketplace sent, stored for the clinic. The data is encrypted; the other
 * columns contain no personal data.
 *
 * Rows are committed in another order than they were inserted, so a reader that continues after the last row that it read
 * could miss one that is committed later. Positions are therefore assigned after the commit, by the next reader.
 */
import { type Selectable, sql } from 'kysely';
import type { Encryptor } from '../../crypto/encryptor.js';
import { randomBytes } from '../../crypto/random-bytes.js';
import { replaceUnstorable } from '../../lib/storable-text.js';
import type { StatementPart } from '../combined-write.js';
import type { Db, NotificationsTable } from '../schema.js';
import { addDoubleBookings } from './accuracy.js';
import { insertHistoryOf } from './history.js';
import type { NotificationItem } from './notification-item.js';

export type { NotificationItem } from './notification-item.js';

export interface NewNotification {
  readonly account: string;
  /** The calendar's id in Slotkeeper; null where the notification is about none, or about one that is not known. */
  readonly calendar: string | null;
  readonly name: string;
  /** The hash of the content. A second one with the hash of the same account is a repeat. */
  readonly hash: string;
  /** When the marketplace created it. */
  readonly createdAt: Date | null;
  readonly source: 'push' | 'pull' | 'sweep' | 'engine';
  /** Whether it is about a change of the engine's own that `delivery.events` names; such ones delay no others. */
  readonly own?: boolean | undefined;
  /** The marketplace's visit booking id. */
  readonly booking?: string | undefined;
  /** The PMS's appointment that the booking is linked to. */
  readonly ref?: string | undefined;
  /** The current visit booking id, where the booking was moved since. */
  readonly movedTo?: string | undefined;
  /** The local date that it is about, for the history. */
  readonly date?: string | undefined;
  /** Where it is about a conflict: the account's local date at present, on which it counts as a double booking. */
  readonly doubleBookedOn?: string | undefined;
  /** The unchanged data. It may contain personal data of patients, and is stored encrypted. */
  readonly data: unknown;
  /** Why it could not be parsed, without any of its values. */
  readonly problem?: string | undefined;
}

export interface AddedNotification {
  readonly id: string;
  readonly account: string;
  readonly calendar: string | null;
  readonly name: string;
}

export interface AddedNotifications {
  /** Those that were not stored before, in the order of the argument. */
  readonly added: readonly AddedNotification[];
  /** How many were stored already. */
  readonly repeated: number;
}

const CURSOR_AT_START = '0';
/** How many positions one transaction assigns at most. */
const MAX_POSITIONS = 5_000;
/** The size of the stored data in one page at most. A single item may be larger. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

/** The encryption context of a row: data that is copied to another row cannot be decrypted there. */
export const encryptionContextOf = (id: string): string => `notification/${id}`;

/**
 * Stores notifications, in the transaction that applies them to the database, so that whatever is answered with 2xx is
 * stored.
 * @param now when they were received
 */
export async function addNotifications(
  tx: Db,
  encryptor: Encryptor,
  items: readonly NewNotification[],
  now: Date,
): Promise<AddedNotifications> {
  const inserting = insertNotifications(encryptor, items, now);
  if (inserting === undefined) return { added: [], repeated: 0 };
  const recording = recordNotifications('added', items, now).map(
    (part, n) => sql`${sql.id(`recorded_${n}`)} AS (${part})`,
  );
  const { rows } = await sql<AddedRow>`
    WITH ${sql.join([sql`added AS (${inserting})`, ...recording])} SELECT * FROM added`.execute(tx);
  return toAddedNotifications(rows, items);
}

/** A row that was inserted. */
export interface AddedRow extends AddedNotification {
  readonly seq: string | number;
  readonly hash: string;
}

/** Stores notifications, as a part of a statement; undefined where there are none. */
export function insertNotifications(
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
      own: item.own ?? false,
      booking: item.booking === undefined ? null : replaceUnstorable(item.booking),
      ref: item.ref === undefined ? null : replaceUnstorable(item.ref),
      movedTo: item.movedTo === undefined ? null : replaceUnstorable(item.movedTo),
      data: encryptor.encrypt(item.data, encryptionContextOf(id)).toString('base64'),
      problem: item.problem === undefined ? null : replaceUnstorable(item.problem),
    };
  });
  // The rows are numbered in the order of the argument and inserted in the order of their hashes, which prevents deadlocks
  // between batches that contain the same notifications.
  return sql<AddedRow>`
    WITH numbered AS MATERIALIZED (
      SELECT o.*, nextval('slotkeeper.notification_seq') AS seq
      FROM (
        SELECT * FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          AS k (n integer, id text, account text, calendar text, name text, hash text, created timestamptz,
                source text, own boolean, booking text, ref text, "movedTo" text, data text, problem text)
        ORDER BY n LIMIT ${rows.length}) o)
    INSERT INTO slotkeeper.notifications
      (seq, id, account_id, calendar_id, name, hash, created_at, received_at, source, own, booking_id, ref, moved_to, data,
       problem)
    SELECT seq, id, account, calendar, name, hash, created, ${now}::timestamptz, source, own, booking, ref,
           "movedTo", decode(data, 'base64'), problem
    FROM numbered
    ORDER BY account, hash, n
    ON CONFLICT (account_id, hash) DO NOTHING
    RETURNING id, account_id AS account, calendar_id AS calendar, name, seq, hash`;
}

/** Adds the history and the double bookings of the notifications that the part of this name inserted, as parts of the statement. */
export function recordNotifications(
  part: string,
  items: readonly NewNotification[],
  now: Date,
): readonly StatementPart[] {
  if (items.length === 0) return [];
  const entries = items.map(({ account, calendar, name, hash, booking, ref, date, source }) => ({
    key: hash,
    kind: 'notified' as const,
    at: now,
    account,
    calendar: calendar ?? undefined,
    date,
    booking,
    ref,
    actor: source === 'engine' ? 'engine' : 'marketplace',
    detail: { name, channel: source },
  }));
  const conflicts = items.flatMap(({ account, hash, doubleBookedOn: date }) =>
    date === undefined ? [] : [{ account, hash, date }],
  );
  return [
    insertHistoryOf(part, 'hash', entries),
    ...(conflicts.length === 0 ? [] : [addDoubleBookings(part, conflicts)]),
  ];
}

/** The result of `insertNotifications`. */
export function toAddedNotifications(
  rows: readonly AddedRow[],
  items: readonly NewNotification[],
): AddedNotifications {
  return {
    added: [...rows]
      .sort((a, b) => Number(a.seq) - Number(b.seq))
      .map(({ id, account, calendar, name }) => ({ id, account, calendar, name })),
    repeated: items.length - rows.length,
  };
}

/** Assigns a position to every committed row, so that a row that is committed later comes after all rows that could be read before. */
export async function assignPositions(db: Db): Promise<void> {
  while (await hasUnpositioned(db)) {
    await db.transaction().execute(async (tx) => {
      // The lock serializes the transactions, so that each sees what the one before has committed.
      await sql`SELECT pg_advisory_xact_lock(hashtext('slotkeeper.notification_position'))`.execute(tx);
      await sql`
        WITH assigned AS MATERIALIZED (
          SELECT o.id, nextval('slotkeeper.notification_position') AS position
          FROM (SELECT id FROM slotkeeper.notifications WHERE position IS NULL
                ORDER BY seq LIMIT ${MAX_POSITIONS}) o)
        UPDATE slotkeeper.notifications n SET position = assigned.position FROM assigned WHERE n.id = assigned.id`.execute(
        tx,
      );
    });
  }
}

async function hasUnpositioned(db: Db): Promise<boolean> {
  const row = await db
    .selectFrom('slotkeeper.notifications')
    .select('id')
    .where('position', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export interface FeedQuery {
  /** A cursor of an earlier response; without one, the feed begins with the oldest notification that is stored. */
  readonly after?: string | undefined;
  /** The number of items at most; fewer are returned where their data is large. */
  readonly limit: number;
}

export interface Feed {
  readonly items: readonly NotificationItem[];
  /** The cursor of the next request; unchanged where there were no items. */
  readonly next: string;
}

/**
 * Whether the data of the rows up to this one, by position, fits in a page; the first row always does. Only the lengths are
 * read, so the data of rows outside the page is not loaded.
 */
const FITS_IN_PAGE = sql<boolean>`
  (row_number() OVER (ORDER BY position) = 1
    OR sum(octet_length(data)::bigint) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) <= ${MAX_PAGE_BYTES})`;

/**
 * The notifications after a cursor that have a position, see {@link assignPositions}. Their order never changes, and none is
 * inserted before the cursor of a reader.
 */
export async function findFeedPage(db: Db, encryptor: Encryptor, { after, limit }: FeedQuery): Promise<Feed> {
  const from = after ?? CURSOR_AT_START;
  const rows = await db
    .selectFrom((some) =>
      some
        .selectFrom('slotkeeper.notifications')
        .select(ITEM_COLUMNS)
        .select(FITS_IN_PAGE.as('fitsInPage'))
        .where('position', '>', from)
        .orderBy('position')
        .limit(limit)
        .as('page'),
    )
    .select(ITEM_COLUMNS)
    .where('fitsInPage', '=', true)
    .orderBy('position')
    .execute();
  const items = rows.map((row) => toNotificationItem(row, encryptor));
  return { items, next: items.at(-1)?.cursor ?? from };
}

/** Finds the calendars of stored notifications that were applied, by hash. */
export async function findAppliedCalendars(
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

/** Finds the names of the stored notifications about bookings, by booking id. */
export async function findNotificationNames(
  db: Db,
  account: string,
  bookings: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, Set<string>>();
  if (bookings.length === 0) return found;
  const rows = await db
    .selectFrom('slotkeeper.notifications')
    .select(['booking_id', 'name'])
    .where('account_id', '=', account)
    .where('booking_id', 'in', [...bookings])
    .execute();
  for (const { booking_id: id, name } of rows) {
    if (id !== null) found.set(id, (found.get(id) ?? new Set()).add(name));
  }
  return found;
}

/**
 * Finds the ids of a calendar's bookings that are canceled or moved in the database because a read showed it, and of which the
 * clinic was only notified that they were booked.
 * @param after bookings that ended before this instant are left out
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

/** A notification that has a position. */
export async function findNotification(
  db: Db,
  encryptor: Encryptor,
  id: string,
): Promise<NotificationItem | undefined> {
  const row = await db
    .selectFrom('slotkeeper.notifications')
    .select(ITEM_COLUMNS)
    .where('id', '=', id)
    .executeTakeFirst();
  return row && toNotificationItem(row, encryptor);
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
export function toNotificationItem(row: ItemRow, encryptor: Encryptor): NotificationItem {
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
      : { data: encryptor.decrypt(row.data, encryptionContextOf(row.id)) }),
    ...(row.problem === null ? {} : { problem: row.problem }),
  };
  // The cast is needed because `name` and `data` are stored without their types, and may be unknown to this version.
  return item as NotificationItem;
}
