/** Ten thousand calendars in the record: events taken in a second, memory, and what an idle engine asks of its database. */
import pg from 'pg';
import { type Backend, clinic } from './backends.js';
import { dayAhead, taken, windows } from './events.js';

export interface Many {
  readonly calendars: number;
  readonly eventsPerSecond: number;
  readonly megabytes: number;
  /** Transactions that the database saw in a minute in which nothing happened. */
  readonly idlePerMinute: number;
}

const CALENDARS = 10_000;
const BATCH = 500;
const EVENTS = 20_000;
const IDLE_MS = 30_000;

export async function many(backend: Backend): Promise<Many> {
  const { databaseUrl } = backend;
  if (databaseUrl === undefined) throw new Error('this one is measured on PostgreSQL');
  const day = dayAhead(7);
  let eventsPerSecond: number;
  let megabytes: number;
  // Without workers: what is measured is what comes in, not the marketplace.
  const intake = await clinic(backend, CALENDARS, {}, { roles: ['api'] });
  // At another address it would be another marketplace, and every day be wanted anew.
  const port = Number(new URL(intake.sandbox.url).port);
  try {
    const { engine } = intake;
    for (let from = 0; from < CALENDARS; from += BATCH) {
      await engine.events(Array.from({ length: BATCH }, (_, i) => windows(from + i, day)));
    }
    const begun = performance.now();
    for (let from = 0; from < EVENTS; from += BATCH) {
      const events = Array.from({ length: BATCH }, (_, i) =>
        taken((from + i * 7) % CALENDARS, day, Math.floor(from / CALENDARS)),
      );
      await engine.events(events);
    }
    eventsPerSecond = EVENTS / ((performance.now() - begun) / 1000);
    megabytes = process.memoryUsage().rss / 1_048_576;
  } finally {
    await intake.close();
  }

  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    // Everything is published, as far as the record goes.
    await client.query('UPDATE slotkeeper.days SET published_generation = generation, pending_since = NULL');
    await client.query("DELETE FROM bullmq.job WHERE queue = 'slotkeeper-publish'");
    await client.query("DELETE FROM bullmq.dedup WHERE queue = 'slotkeeper-publish'");
    const idle = await clinic(backend, CALENDARS, {}, { port });
    try {
      // A session that goes idle reports what it did up to ten seconds later.
      await new Promise((resolve) => setTimeout(resolve, 15_000));
      const before = await transactions(client);
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
      const idlePerMinute = ((await transactions(client)) - before) * (60_000 / IDLE_MS);
      return { calendars: CALENDARS, eventsPerSecond, megabytes, idlePerMinute };
    } finally {
      await idle.close();
    }
  } finally {
    await client.end();
  }
}

async function transactions(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ n: string }>(
    'SELECT xact_commit + xact_rollback AS n FROM pg_stat_database WHERE datname = current_database()',
  );
  return Number(rows[0]?.n ?? 0);
}
