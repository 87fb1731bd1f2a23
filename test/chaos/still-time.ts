// Time that passes only as a test says: for the clock of an engine and its periodic work, for what the queue puts off, and
// for leases. The queue and the leases are moved in the database, since they go by real clocks.
import { sql } from 'kysely';
import type { Db } from '../../src/db/schema.js';
import { systemTimers, type Timers } from '../../src/lib/timers.js';
import { eventually } from '../support/eventually.js';

/** How often the engine sweeps; nothing else than a sweep finds what lost its job. */
export const SWEEP_SECONDS = 60;

interface Waiting {
  /** Jobs that are in hand, or can be taken now. */
  readonly busy: string;
  /** For how many milliseconds the first of those that wait was put off; null where there is none. */
  readonly delay: string | null;
}

/** Leases go by the database's clock, whatever the time of the test is. */
export async function endLeases(db: Db): Promise<void> {
  await sql`UPDATE slotkeeper.calendars SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL`.execute(
    db,
  );
}

export class StillTime {
  readonly #began = Date.now();
  #elapsed = 0;
  readonly #repeated = new Set<{ readonly every: number; readonly work: () => Promise<void>; at: number }>();

  readonly now = (): number => this.#began + this.#elapsed;

  /** Whoever asks again and again does so in real time: what it waits for comes by itself. */
  readonly timers: Timers = {
    elapsed: () => this.#elapsed,
    sleep: systemTimers.sleep,
    every: (every, work) => {
      const one = { every, work, at: this.#elapsed + every };
      this.#repeated.add(one);
      return () => this.#repeated.delete(one);
    },
  };

  /** Lets so much time pass at once; what becomes due by it begins, and what is done again and again is done once. */
  async pass(db: Db, ms: number): Promise<void> {
    await sql`
      UPDATE slotkeeper.calendars SET lease_until = lease_until - make_interval(secs => ${ms / 1000})`.execute(
      db,
    );
    this.#elapsed += ms;
    for (const one of this.#repeated) {
      if (one.at > this.#elapsed) continue;
      one.at = this.#elapsed + one.every;
      await one.work();
    }
    await sql`
      WITH moved AS (
        UPDATE bullmq.job SET process_at_ms = process_at_ms - ${ms}::bigint WHERE state = 'delayed' RETURNING queue)
      SELECT pg_notify('bullmq_jobs', queue) FROM moved GROUP BY queue`.execute(db);
  }

  /**
   * Waits until the engine has nothing in hand and it is so. Where it is not, as much time passes as the next job is put off
   * for, or until the next sweep.
   */
  async until(db: Db, isSo: () => Promise<boolean>): Promise<void> {
    await eventually(
      async () => {
        const { rows } = await sql<Waiting>`
          SELECT count(*) FILTER (WHERE state <> 'delayed') AS busy,
                 (array_agg(delay_ms ORDER BY process_at_ms) FILTER (WHERE state = 'delayed'))[1] AS delay
          FROM bullmq.job WHERE state IN ('waiting', 'active', 'delayed')`.execute(db);
        const [{ busy, delay } = { busy: '0', delay: null }] = rows;
        if (busy !== '0') return false;
        if (await isSo()) return true;
        await this.pass(db, delay === null ? SWEEP_SECONDS * 1000 : Number(delay));
        return false;
      },
      { within: 200_000, every: 10 },
    );
  }
}
