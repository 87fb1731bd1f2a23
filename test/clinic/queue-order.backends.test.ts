// Events without a version are ordered by their places in the queue: whoever takes them, and whenever they are applied.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { sql } from 'kysely';
import { EventBatcher } from '../../src/clinic/event-batcher.js';
import type { OccupancyEvent } from '../../src/clinic/occupancy-event.js';
import { OccupancyWorker, type OccupancyWorkerOptions } from '../../src/clinic/occupancy-worker.js';
import { type Database, openDatabase } from '../../src/db/database.js';
import { putAccount } from '../../src/db/tables/accounts.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import { createLog } from '../../src/lib/log.js';
import { systemTimers } from '../../src/lib/timers.js';
import { OCCUPANCY_QUEUE } from '../../src/queue/queue-names.js';
import { type JobQueue, Queues } from '../../src/queue/queues.js';
import { postgresDatabase } from '../db/databases.js';
import { account, calendar, ENCRYPTOR, NOW } from '../db/seed-rows.js';
import { eventually } from '../support/eventually.js';
import { freshRedisUrl, RedisServer } from '../support/redis.js';
import { atEndOfTest } from '../support/release.js';

const date = '2026-11-16';
const unavailable = Object.assign(new Error('the database is away'), { code: 'ECONNREFUSED' });

let count = 0;
const id = (): string => {
  count += 1;
  return `evt-${count}`;
};
const occupied = (start: string, ref = 'apt') => ({
  id: id(),
  type: 'occupied' as const,
  calendar: 'nowak',
  ref,
  start: `${date}T${start}`,
  end: `${date}T18:00`,
});
const released = (ref = 'apt') => ({ id: id(), type: 'released' as const, calendar: 'nowak', ref });
const available = (from: string, dates = { from: date, to: date }): OccupancyEvent => ({
  id: id(),
  type: 'available',
  calendar: 'nowak',
  ...dates,
  windows: [
    { start: `${dates.from}T${from}`, end: `${dates.from}T18:00`, services: [{ id: '1', duration: 10 }] },
  ],
});

interface Place {
  readonly database: Database;
  readonly queues: Queues;
  readonly queue: JobQueue;
}

async function open(redisUrl?: string): Promise<Place> {
  const database = await openDatabase({ url: await postgresDatabase() });
  atEndOfTest(() => database.close());
  await putAccount(database.db, account(), NOW, ENCRYPTOR);
  await putCalendar(database.db, calendar(), NOW);
  const queues = new Queues({
    store:
      redisUrl === undefined ? { kind: 'database', pool: database.pool } : { kind: 'redis', url: redisUrl },
    onError: () => undefined,
    lockMs: 1_000,
  });
  atEndOfTest(() => queues.close());
  await queues.connect();
  return { database, queues, queue: queues.openQueue(OCCUPANCY_QUEUE) };
}

const add = (queue: JobQueue, ...events: readonly OccupancyEvent[]) =>
  queue.addBulk(events.map((data) => ({ name: data.type, data })));

function worker(
  { database: { db }, queues }: Place,
  apply?: OccupancyWorkerOptions['events']['apply'],
): { readonly worker: OccupancyWorker; readonly stale: () => number } {
  const intake = new EventBatcher({
    db,
    encryptor: ENCRYPTOR,
    now: () => NOW.getTime(),
    timers: systemTimers,
    enqueuer: { enqueue: async () => undefined },
    delivery: { enqueue: () => undefined },
  });
  let stale = 0;
  const made = new OccupancyWorker({
    queues,
    log: createLog('silent'),
    timers: systemTimers,
    db,
    now: () => NOW.getTime(),
    events: {
      apply:
        apply ??
        (async (batch) => {
          const result = await intake.apply(batch);
          stale += result.stale;
          return result;
        }),
    },
  });
  return { worker: made, stale: () => stale };
}

async function emptied(queue: JobQueue): Promise<void> {
  await eventually(async () => {
    const { waiting, active, delayed } = await queue.getJobCounts();
    return waiting === 0 && active === 0 && delayed === 0;
  });
}

/** Takes one job and does nothing more with it, nor says that it is alive: to the queue it is dead. */
async function takeOne({ queues }: Place): Promise<() => void> {
  let isTaken = false;
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const hold = async () => {
    isTaken = true;
    await held;
  };
  const dead = queues.startWorker(OCCUPANCY_QUEUE, hold, {
    concurrency: 1,
    skipLockRenewal: true,
    skipStalledCheck: true,
  });
  await eventually(() => isTaken);
  return () => {
    release();
    void dead.close();
  };
}

async function starts({ database: { db } }: Place): Promise<string[]> {
  const { rows } = await sql<{ start: string | null }>`
    SELECT to_char(start_at AT TIME ZONE 'Europe/Warsaw', 'HH24:MI') AS start FROM slotkeeper.occupancy ORDER BY ref`.execute(
    db,
  );
  return rows.map(({ start }) => start ?? 'released');
}

async function windows({ database: { db } }: Place): Promise<string[]> {
  const { rows } = await sql<{ start: string }>`
    SELECT to_char(start_at AT TIME ZONE 'Europe/Warsaw', 'MM-DD HH24:MI') AS start
    FROM slotkeeper.windows ORDER BY start_at`.execute(db);
  return rows.map(({ start }) => start);
}

describe.each(['redis', 'postgresql'] as const)('on %s an event without a version', (kind) => {
  let place: Place;

  beforeEach(async () => {
    place = await open(kind === 'redis' ? await freshRedisUrl() : undefined);
  });

  test('changes nothing newer when it is retried after a crash of its worker', async () => {
    await add(place.queue, occupied('10:00'));
    const release = await takeOne(place);
    await add(place.queue, released());
    const { worker: living, stale } = worker(place);
    await living.start();
    await eventually(async () => (await starts(place)).length === 1);
    await eventually(() => stale() === 1);
    expect(await starts(place)).toEqual(['released']);
    release();
    await living.stop();
  });

  test('replaces no newer windows, and replaces those of its other dates', async () => {
    await add(place.queue, available('08:00', { from: date, to: '2026-11-17' }));
    const release = await takeOne(place);
    await add(place.queue, available('12:00', { from: '2026-11-17', to: '2026-11-18' }), occupied('09:00'));
    const { worker: living } = worker(place);
    await living.start();
    await emptied(place.queue);
    expect(await windows(place)).toEqual(['11-16 08:00', '11-17 12:00']);
    expect(await starts(place)).toEqual(['09:00']);
    release();
    await living.stop();
  });

  test('keeps its position when its worker stops while the database is unavailable', async () => {
    await add(place.queue, occupied('10:00'), occupied('11:00'), released(), occupied('12:00'));
    let tried = 0;
    const { worker: stopped } = worker(place, async () => {
      tried += 1;
      throw unavailable;
    });
    await stopped.start();
    await eventually(() => tried >= 4);
    await stopped.stop();
    const { worker: living } = worker(place);
    await living.start();
    await emptied(place.queue);
    expect(await starts(place)).toEqual(['12:00']);
    await living.stop();
  });

  test('counts again after the queue was removed and its numbers restarted', async () => {
    const { worker: living } = worker(place);
    await living.start();
    await add(place.queue, ...Array.from({ length: 20 }, (_, n) => occupied(`10:${n + 10}`)));
    await emptied(place.queue);
    expect(await starts(place)).toEqual(['10:29']);
    await living.stop();
    await place.queue.pause();
    await place.queue.obliterate({ force: true });
    await place.queue.resume();
    await add(place.queue, released());
    const { worker: next } = worker(place);
    await next.start();
    await emptied(place.queue);
    expect(await starts(place)).toEqual(['released']);
    await next.stop();
  });

  test('is applied with the others of its batch where one has a version', async () => {
    const { worker: living } = worker(place);
    await add(
      place.queue,
      { ...occupied('10:00'), version: 5 },
      { ...released(), version: 4 },
      occupied('11:00', 'b'),
    );
    await living.start();
    await emptied(place.queue);
    expect(await starts(place)).toEqual(['10:00', '11:00']);
    await living.stop();
  });
});

test('events on a Redis that lost what was added last count although their numbers are lower', async () => {
  const redis = await RedisServer.start();
  const before = await open(redis.url);
  const { worker: first } = worker(before);
  await first.start();
  await add(before.queue, ...Array.from({ length: 20 }, (_, n) => occupied(`10:${n + 10}`)));
  await emptied(before.queue);
  await first.stop();
  await redis.crash();
  await redis.restart();
  await eventually(async () => (await before.queues.probe()) === 'ok');
  // As after a restart from a copy that was made when three jobs had been added.
  const client = new Redis(redis.url);
  await client.set(`bull:${OCCUPANCY_QUEUE}:id`, 3);
  client.disconnect();
  await add(before.queue, released());
  const { worker: second } = worker(before);
  await second.start();
  await emptied(before.queue);
  expect(await starts(before)).toEqual(['released']);
  await second.stop();
});

test('a job under an id of its own on Redis is applied as it comes', async () => {
  const place = await open(await freshRedisUrl());
  const { worker: living } = worker(place);
  await living.start();
  await add(place.queue, occupied('10:00'));
  await emptied(place.queue);
  await place.queue.add('x', released(), { jobId: 'appointment-77' });
  await emptied(place.queue);
  expect(await starts(place)).toEqual(['released']);
  await living.stop();
});
