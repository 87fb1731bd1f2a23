/** Queries of `slotkeeper.staged_snapshots`: the lines of a source that are applied only when its response was complete. */
import type { Db, StagedSnapshot } from '../schema.js';

/** Stores a line of a source until the last line confirms that the response is complete. */
export async function saveStagedSnapshot(
  db: Db,
  run: string,
  account: string,
  line: number,
  snapshot: StagedSnapshot,
  now: Date,
): Promise<void> {
  await db
    .insertInto('slotkeeper.staged_snapshots')
    .values({ run_id: run, account_id: account, line, body: JSON.stringify(snapshot), staged_at: now })
    .execute();
}

/** Finds the first staged line of a run after this one. */
export async function findNextStagedSnapshot(
  db: Db,
  run: string,
  after: number,
): Promise<{ readonly line: number; readonly snapshot: StagedSnapshot } | undefined> {
  return await db
    .selectFrom('slotkeeper.staged_snapshots')
    .select(['line', 'body as snapshot'])
    .where('run_id', '=', run)
    .where('line', '>', after)
    .orderBy('line')
    .limit(1)
    .executeTakeFirst();
}

export async function deleteStagedSnapshots(db: Db, run: string): Promise<void> {
  await db.deleteFrom('slotkeeper.staged_snapshots').where('run_id', '=', run).execute();
}

/** Deletes what was staged before an instant, by runs that never ended. */
export async function deleteExpiredStagedSnapshots(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('slotkeeper.staged_snapshots').where('staged_at', '<', before).execute();
}
