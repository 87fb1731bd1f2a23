import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  createPostgresBackend,
  type PostgresConnectionOptions,
  type PostgresQueueBackend,
  Queue,
} from 'bullmq';
import { Redis } from 'ioredis';
import { sql } from 'kysely';
import { OccupancyProducer } from '../../src/clinic/occupancy-producer.js';
import type { Slotkeeper } from '../../src/engine.js';
import type { Sandbox } from '../../src/sandbox/index.js';
import { backends, type Place } from '../engine/backends.js';
import { CALENDAR, foundingExample } from '../engine/founding-example.js';
import { openClinic, sent, settled, startEngine, writesTo } from '../engine/running.js';
import { eventually } from '../support/eventually.js';
import { atEndOfTest } from '../support/release.js';

const { date, events, put } = foundingExample();
const [available, occupied] = events;

/** Opens the occupancy queue like any BullMQ client, which knows only its name and its server. */
function openClientQueue(place: Place): Queue {
  const queue = createQueue(place);
  queue.on('error', () => {}); // The database is dropped before the queue is closed.
  return queue;
}

function createQueue({ redisUrl, databaseUrl = '' }: Place): Queue {
  const name = 'slotkeeper-occupancy';
  if (redisUrl !== undefined) {
    const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
    atEndOfTest(async () => connection.disconnect());
    return new Queue(name, { connection });
  }
  return new Queue<
    unknown,
    unknown,
    string,
    unknown,
    unknown,
    string,
    PostgresQueueBackend,
    PostgresConnectionOptions
  >(name, { connection: { connectionString: databaseUrl } }, createPostgresBackend) as unknown as Queue;
}

const producerFor = ({ redisUrl, databaseUrl = '' }: Place): OccupancyProducer =>
  new OccupancyProducer(redisUrl === undefined ? { databaseUrl } : { redisUrl });

// The embedded database serves one process only. The founding example tests its queue (test/engine).
describe.each(backends.slice(1))('the occupancy queue on $name', ({ fresh }) => {
  let place: Place;
  let engine: Slotkeeper;
  let sandbox: Sandbox;
  let clientQueue: Queue;
  let producer: OccupancyProducer;

  beforeAll(async () => {
    place = await fresh();
    engine = await startEngine(place);
    clientQueue = openClientQueue(place);
    producer = producerFor(place);
  });

  beforeEach(async () => {
    sandbox = await openClinic(engine);
    await engine.events([available]);
    await settled(engine);
  });

  // The changes of a test are published before the next test begins.
  afterEach(async () => {
    await settled(engine);
  });

  afterAll(async () => {
    await producer.close();
    await clientQueue.close();
    await engine.stop();
  });

  const day = async () => (await engine.days(CALENDAR, date, date))?.[0];
  const failed = async () => await engine.failures.list();

  test('turns an event of the producer into exactly one PUT', async () => {
    const before = writesTo(sandbox).length;
    await producer.enqueue([occupied]);
    await eventually(() => writesTo(sandbox).length > before);
    await settled(engine);
    expect(writesTo(sandbox).slice(before).map(sent)).toEqual([put]);
  });

  test('turns a job of any name from any client into exactly one PUT', async () => {
    const before = writesTo(sandbox).length;
    await clientQueue.addBulk([{ name: 'whatever the PMS calls it', data: occupied }]);
    await eventually(() => writesTo(sandbox).length > before);
    await settled(engine);
    expect(writesTo(sandbox).slice(before).map(sent)).toEqual([put]);
  });

  test('applies events in their order', async () => {
    const list = Array.from({ length: 20 }, (_, n) => {
      const event = {
        ...occupied,
        id: `move-${n}`,
        ref: 'moved',
        start: `${date}T10:00`,
        end: `${date}T10:${n + 10}`,
      };
      return n % 4 === 3
        ? { id: `release-${n}`, type: 'released' as const, calendar: CALENDAR, ref: 'moved' }
        : event;
    });
    await producer.enqueue(list.slice(0, 10));
    await producer.enqueue([...list.slice(10), { ...occupied, id: 'the last', ref: 'sentinel' }]);
    await eventually(async () => (await day())?.busy.some(({ ref }) => ref === 'sentinel'));
    expect((await day())?.busy).toEqual([{ ref: 'sentinel', start: occupied.start, end: occupied.end }]);
  });

  test('stores an invalid event with its reason, and applies the next one', async () => {
    const lost = { ...occupied, id: 'lost', calendar: 'nobody' };
    await clientQueue.addBulk([
      { name: 'x', data: lost },
      { name: 'x', data: { ...occupied, id: 'backwards', end: `${date}T09:00:00+01:00` } },
      { name: 'x', data: { nothing: 'of ours' } },
      { name: 'x', data: { ...occupied, id: 4711, ref: 1.5, verison: 1 } },
      { name: 'x', data: occupied },
    ]);
    await eventually(async () => (await day())?.busy.length === 1);
    // The jobs of applied events are removed shortly after.
    const counts = await eventually(async () => {
      const {
        waiting,
        active,
        failed: rejected,
      } = (await engine.status()).queues['slotkeeper-occupancy'] ?? {};
      return waiting === 0 && active === 0 && { failed: rejected };
    });
    const reasons = (await failed()).map(({ reason }) => reason).sort();
    expect(reasons).toEqual([
      'calendar: there is no calendar "nobody"',
      'end: is not after the start',
      'ref: expected text or whole number; verison: unknown key "verison", did you mean "version"?',
      expect.stringMatching(/^type: /),
    ]);
    expect(counts).toEqual({ failed: reasons.length });
    expect(await failed()).toContainEqual(expect.objectContaining({ event: '4711' }));
    for (const { id } of await failed()) await engine.failures.settle('drop', [id]);
  });

  test('applies a corrected event under the job id of a rejected one, and retries the rejected one', async () => {
    const jobId = 'appointment-77';
    const event = { ...occupied, ref: 'apt-77' };
    const wrong = { ...event, id: 'v1', calendar: 'nobody', patient: 'Anna', version: 1 };
    await clientQueue.add('x', wrong, { jobId });
    await eventually(async () => (await failed()).length === 1);
    const [rejected] = await failed();
    expect(rejected).toMatchObject({ kind: 'event', calendar: 'nobody', event: 'v1' });
    const { rows } = await sql<{ data: string }>`SELECT data FROM slotkeeper.rejected_events`.execute(
      engine.db,
    );
    expect(rows[0]?.data).not.toContain('Anna');
    await eventually(async () => (await clientQueue.getJob(jobId)) === undefined);

    await clientQueue.add('x', { ...event, id: 'v2', version: 2 }, { jobId });
    await eventually(async () => (await day())?.busy.length === 1);

    const id = rejected?.id ?? '';
    expect(await engine.failures.settle('retry', [id])).toEqual({ done: 1, unknown: [] });
    const again = await eventually(async () => (await failed()).find((one) => one.id !== id));
    expect(await engine.failures.settle('drop', [again.id, id, 'event/x'])).toEqual({
      done: 1,
      unknown: [id, 'event/x'],
    });
    expect(await failed()).toEqual([]);
  });
});
