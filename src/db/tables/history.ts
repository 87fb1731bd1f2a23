/**
 * Queries of `slotkeeper.history`: what was received, wanted, sent and observed. Rows are only added, by the transaction that they
 * describe, and contain neither patients nor secrets.
 *
 * Rows are committed in another order than they are numbered. So only rows up to a horizon are read, before which none can
 * follow: a reader that continues after the last row misses none. A transaction that adds rows holds a lock on the table, and has
 * its id before its rows have numbers.
 */
import { sql } from 'kysely';
import { replaceUnstorable } from '../../lib/storable-text.js';
import type { StatementPart } from '../combined-write.js';
import type { Db } from '../schema.js';

export const HISTORY_KINDS = [
  'event',
  'snapshot',
  'marked',
  'sent',
  'verified',
  'differed',
  'failed',
  'retried',
  'dropped',
  'held',
  'approved',
  'notified',
  'delivered',
  'paused',
  'resumed',
  'configured',
  'signed-in',
  'key',
] as const;

export type HistoryKind = (typeof HISTORY_KINDS)[number];

export interface NewHistoryEntry {
  readonly kind: HistoryKind;
  readonly at: Date;
  /** Default: the calendar's account. */
  readonly account?: string | undefined;
  readonly calendar?: string | undefined;
  /** Local date. */
  readonly date?: string | undefined;
  /** The PMS's appointment. */
  readonly ref?: string | undefined;
  /** The visit booking id. */
  readonly booking?: string | undefined;
  /** The name of the API key, or the channel or part that caused it. */
  readonly actor?: string | undefined;
  /** Facts of this kind. */
  readonly detail?: object | undefined;
}

const ENTRY_COLUMNS = sql`k (kind text, at timestamptz, account text, calendar text, date date, ref text, booking text,
    actor text, detail jsonb, key text)`;
const COLUMNS = sql`(at, kind, account_id, calendar_id, date, ref, booking_id, actor, detail)`;
const accountOf = (calendar: string) =>
  sql`(SELECT c.account_id FROM slotkeeper.calendars c WHERE c.id = ${sql.ref(calendar)})`;
const entryValues = sql`k.at, k.kind, coalesce(k.account, ${accountOf('k.calendar')}), k.calendar, k.date, k.ref,
    k.booking, k.actor, coalesce(k.detail, '{}')`;

/** Ids and names come from outside: characters that PostgreSQL cannot store are replaced. */
function toJson(entries: readonly NewHistoryEntry[]): string {
  const text = JSON.stringify(entries);
  if (!/\\u(?:0000|d[89a-f])/.test(text)) return text;
  return JSON.stringify(entries, (_, value: unknown) =>
    typeof value === 'string' ? replaceUnstorable(value) : value,
  );
}

export async function saveHistory(db: Db, entries: readonly NewHistoryEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await sql`
    INSERT INTO slotkeeper.history ${COLUMNS}
    SELECT ${entryValues} FROM jsonb_to_recordset(${toJson(entries)}::jsonb) AS ${ENTRY_COLUMNS}`.execute(db);
}

/**
 * Adds the entries whose key another part of the statement returns, in the column `column`.
 * @param part the name of that part
 */
export function insertHistoryOf(
  part: string,
  column: string,
  entries: readonly (NewHistoryEntry & { readonly key: string })[],
): StatementPart {
  return sql`
    INSERT INTO slotkeeper.history ${COLUMNS}
    SELECT ${entryValues} FROM jsonb_to_recordset(${toJson(entries)}::jsonb) AS ${ENTRY_COLUMNS}
    WHERE k.key IN (SELECT ${sql.ref(column)} FROM ${sql.id(part)})`;
}

/** Adds the entry for each account that another part of the statement returns, in the column `account`. */
export const insertHistoryOfAccounts = (
  part: string,
  { kind, at, detail = {} }: Pick<NewHistoryEntry, 'kind' | 'at' | 'detail'>,
): StatementPart => sql`
    INSERT INTO slotkeeper.history (at, kind, account_id, actor, detail)
    SELECT ${at}::timestamptz, ${kind}::text, account, 'engine', ${JSON.stringify(detail)}::jsonb
    FROM ${sql.id(part)}`;

/** What marked days dirty. */
export type MarkCause =
  | 'event'
  | 'snapshot'
  | 'approved'
  | 'marketplace'
  | 'link'
  | 'resync'
  | 'service'
  | 'configuration'
  | 'closing';

/**
 * Adds the entry of each day that another part of the statement marked.
 * @param part the name of that part, which returns `calendar`, `date`, `direction` and `generation`
 */
export const insertHistoryOfMarks = (part: string, cause: MarkCause, at: Date): StatementPart => sql`
    INSERT INTO slotkeeper.history (at, kind, account_id, calendar_id, date, detail)
    SELECT ${at}::timestamptz, 'marked', ${accountOf('m.calendar')}, m.calendar, m.date,
      jsonb_build_object('cause', ${cause}::text, 'direction', m.direction, 'generation', m.generation)
    FROM ${sql.id(part)} m`;

export interface HistoryEntry {
  /** Its number. */
  readonly id: string;
  readonly at: Date;
  readonly kind: HistoryKind;
  readonly account: string | null;
  readonly calendar: string | null;
  readonly date: string | null;
  readonly ref: string | null;
  readonly booking: string | null;
  readonly actor: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface HistoryFilter {
  readonly calendar?: string | undefined;
  readonly date?: string | undefined;
  readonly ref?: string | undefined;
  readonly booking?: string | undefined;
  readonly account?: string | undefined;
  readonly kind?: HistoryKind | undefined;
}

export interface HistoryQuery extends HistoryFilter {
  /** Entries after this one are read, or before it with `newest`. */
  readonly after?: string | undefined;
  /** Whether the newest entries come first. */
  readonly newest?: boolean | undefined;
  readonly limit: number;
}

/** Up to where the history can be read. */
export interface HistoryHorizon {
  /** The highest number that was given before the running transactions were listed. */
  readonly lastId: string;
  /** The oldest transaction that adds rows; undefined where there is none. */
  readonly oldest: bigint | undefined;
  /** The next transaction's id. */
  readonly next: bigint;
}

/** The numbers are read before the transactions: those with a lower number have ended or are listed. */
export async function findHistoryHorizon(db: Db): Promise<HistoryHorizon> {
  const lastId = await findLastHistoryId(db);
  const { rows } = await sql<{ next: string; running: readonly string[] }>`
    SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS next, ARRAY(
      SELECT t.transactionid::text
      FROM pg_locks h JOIN pg_locks t ON t.virtualtransaction = h.virtualtransaction
      WHERE h.locktype = 'relation' AND h.relation = 'slotkeeper.history'::regclass
        AND h.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND h.mode = 'RowExclusiveLock' AND t.locktype = 'transactionid' AND t.mode = 'ExclusiveLock'
    ) AS running`.execute(db);
  const next = BigInt(rows[0]?.next ?? 0);
  const running = (rows[0]?.running ?? []).map((xid) => withEpoch(BigInt(xid), next));
  return { lastId, oldest: running.sort((a, b) => Number(a - b))[0], next };
}

/** `pg_locks` has the low 32 bits of a transaction's id. @param next a later id, in full */
const withEpoch = (xid: bigint, next: bigint): bigint => next - BigInt.asUintN(32, next - xid);

/** The highest number that was given; '0' where there is none. */
export async function findLastHistoryId(db: Db): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS id FROM slotkeeper.history_id_seq`.execute(db);
  return rows[0]?.id ?? '0';
}

export async function findHistory(
  db: Db,
  { lastId, oldest }: HistoryHorizon,
  query: HistoryQuery,
): Promise<HistoryEntry[]> {
  const { calendar, date, ref, booking, account, kind, after, newest = false, limit } = query;
  const conditions = [
    sql`h.id <= ${lastId}`,
    oldest === undefined ? undefined : sql`h.transaction_id < ${String(oldest)}::xid8`,
    calendar === undefined ? undefined : sql`h.calendar_id = ${calendar}`,
    date === undefined ? undefined : sql`h.date = ${date}`,
    ref === undefined ? undefined : sql`h.ref = ${ref}`,
    booking === undefined ? undefined : sql`h.booking_id = ${booking}`,
    account === undefined ? undefined : sql`h.account_id = ${account}`,
    kind === undefined ? undefined : sql`h.kind = ${kind}`,
    after === undefined ? undefined : newest ? sql`h.id < ${after}` : sql`h.id > ${after}`,
  ].filter((condition) => condition !== undefined);
  const { rows } = await sql<HistoryEntry>`
    SELECT h.id, h.at, h.kind, h.account_id AS account, h.calendar_id AS calendar, h.date, h.ref, h.booking_id AS booking,
      h.actor, h.detail
    FROM slotkeeper.history h
    WHERE ${sql.join(conditions, sql` AND `)}
    ORDER BY h.id ${newest ? sql`DESC` : sql``}
    LIMIT ${limit}`.execute(db);
  return rows;
}

/** The rows of one statement, so that deleting many holds no lock for long. */
const DELETE_BATCH = 5_000;

/** Deletes entries that are older, in batches. They are numbered nearly in the order of their time. */
export async function deleteExpiredHistory(db: Db, before: Date): Promise<void> {
  for (;;) {
    const { numAffectedRows } = await sql`
      DELETE FROM slotkeeper.history
      WHERE at < ${before} AND id IN (SELECT id FROM slotkeeper.history ORDER BY id LIMIT ${DELETE_BATCH})`.execute(
      db,
    );
    if (Number(numAffectedRows ?? 0) < DELETE_BATCH) return;
  }
}
