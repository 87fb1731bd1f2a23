/** Encrypts the stored data of notifications with the current key, and finds keys that stored data needs and that are missing. */
import { sql } from 'kysely';
import { type Encryptor, KEY_ID_AT, KEY_ID_BYTES } from '../../crypto/encryptor.js';
import type { Db } from '../schema.js';
import { encryptionContextOf } from './notifications.js';

const KEY_ID = sql`encode(substring(data FROM ${sql.lit(KEY_ID_AT + 1)} FOR ${sql.lit(KEY_ID_BYTES)}), 'hex')`;

export interface MissingKey {
  readonly keyId: string;
  /** How many notifications cannot be decrypted without it. */
  readonly count: number;
}

export async function findMissingKeys(db: Db, encryptor: Encryptor): Promise<MissingKey[]> {
  const { rows } = await sql<{ keyId: string; count: string }>`
    SELECT ${KEY_ID} AS "keyId", count(*) AS count FROM slotkeeper.notifications
    WHERE data IS NOT NULL GROUP BY 1 ORDER BY 1`.execute(db);
  return rows
    .filter(({ keyId }) => !encryptor.keyIds.includes(keyId))
    .map(({ keyId, count }) => ({ keyId, count: Number(count) }));
}

/**
 * Encrypts with the current key what was encrypted with an old one, so that the old key can be removed.
 * @returns how many were encrypted; fewer than `limit` where none is left
 */
export async function reencryptNotifications(db: Db, encryptor: Encryptor, limit: number): Promise<number> {
  const { oldKeyIds } = encryptor;
  if (oldKeyIds.length === 0) return 0;
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM slotkeeper.notifications
    WHERE data IS NOT NULL AND ${KEY_ID} IN (SELECT jsonb_array_elements_text(${JSON.stringify(oldKeyIds)}::jsonb))
    LIMIT ${limit}`.execute(db);
  // They are processed one after another, because their data may be large.
  for (const { id } of rows) await reencryptNotification(db, encryptor, id);
  return rows.length;
}

async function reencryptNotification(db: Db, encryptor: Encryptor, id: string): Promise<void> {
  const row = await db
    .selectFrom('slotkeeper.notifications')
    .select('data')
    .where('id', '=', id)
    .executeTakeFirst();
  if (row?.data == null) return;
  const context = encryptionContextOf(id);
  await db
    .updateTable('slotkeeper.notifications')
    .set({ data: encryptor.encrypt(encryptor.decrypt(row.data, context), context) })
    .where('id', '=', id)
    .where('data', 'is not', null)
    .execute();
}
