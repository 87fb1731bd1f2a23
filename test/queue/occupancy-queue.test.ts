import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  createPostgresBackend,
  type PostgresConnectionOptions,
  type PostgresQueueBackend,
  Queue,
} from 'bullmq';
import { Redis } from 'ioredis';
import type { Slotkeeper } from '../../src/engine.js';
import { InvalidEventError } from '../../src/intake/invalid-event-error.js';
import { OccupancyProducer } from '../../src/intake/occupancy-producer.js';
import type { OccupancyEventInput } from '../../src/intake/vocabulary.js';
import type { Sandbox } from '../../src/sandbox/index.js';
import { ServiceUnavailableError } from '../../src/store/service-unavailable-error.js';
import { backends, type Place } from '../engine/backends.js';
import { CALENDAR, foundingExample } from '../engine/founding-example.js';
import { openClinic, sent, settled, startEngine, writesTo } from '../engine/running.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { atEndOfTest } from '../support/release.js';

const { date, events, put } = foundingExample();
const [available, occupied] = events;

type Produce = (jobs: readonly { readonly name: string; readonly data: unknown }[]) => Promise<void>;

/** A queue as any BullMQ client makes it: it knows the name of ours and where it is, and nothing else. */
function bareQueue(place: Place): Queue | undefined {
  const queue = makeQueue(place);
  queue?.on('error', () => {}); // The database goes away under it at the end of the test file.
  return queue;
}

function makeQueue({ redisUrl, databaseUrl }: Place): Queue | undefined {
  const name = 'slotkeeper-occupancy';
  if (redisUrl !== undefined) {
    const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
    atEndOfTest(async () => connection.disconnect());
    return new Queue(name, { connection });
  }
  if (databaseUrl === undefined) return undefined;
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

function producerFor({ redisUrl, databaseUrl }: Place): OccupancyProducer | undefined {
  if (redisUrl !== undefined) return new OccupancyProducer({ redisUrl });
  return databaseUrl === undefined ? undefined : new OccupancyProducer({ databaseUrl });
}

describe.each(backends)('the occupancy queue on $name', ({ fresh }) => {
  let place: Place;
  let engine: Slotkeeper;
  let sandbox: Sandbox;
  let bare: Queue | undefined;
  let producer: OccupancyProducer | undefined;

  beforeAll(async () => {
    place = await fresh();
    engine = await startEngine(place);
    bare = bareQueue(place);
    producer = producerFor(place);
  });

  beforeEach(async () => {
    sandbox = await openClinic(engine);
    await engine.events([available]);
    await settled(engine);
  });

  // What the last test changed is not to be published into the next one's record.
  afterEach(async () => {
    await settled(engine);
  });

  afterAll(async () => {
    await producer?.close();
    await bare?.close();
    await engine.stop();
  });

  /** The embedded database has one process, so there the engine itself is the only producer. */
  const enqueue = async (list: readonly OccupancyEventInput[]) =>
    producer === undefined ? await engine.enqueue(list) : await producer.enqueue(list);
  const produce: Produce = async (jobs) => {
    if (bare !== undefined) await bare.addBulk([...jobs]);
    else await engine.enqueue(jobs.map(({ data }) => data as OccupancyEventInput));
  };
  const day = async () => (await engine.days(CALENDAR, date, date))?.[0];
  const failed = async () => await engine.failures.list();

  test('takes an event of the producer to exactly one PUT', async () => {
    const before = writesTo(sandbox).length;
    await enqueue([occupied]);
    await eventually(() => writesTo(sandbox).length > before);
    await settled(engine);
    expect(writesTo(sandbox).slice(before).map(sent)).toEqual([put]);
  });

  test('takes a job of any name from any client to exactly one PUT', async () => {
    const before = writesTo(sandbox).length;
    await produce([{ name: 'whatever the PMS calls it', data: occupied }]);
    await eventually(() => writesTo(sandbox).length > before);
    await settled(engine);
    expect(writesTo(sandbox).slice(before).map(sent)).toEqual([put]);
  });

  test('takes events in their order', async () => {
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
    await enqueue(list.slice(0, 10));
    await enqueue([...list.slice(10), { ...occupied, id: 'the last', ref: 'sentinel' }]);
    await eventually(async () => (await day())?.busy.some(({ ref }) => ref === 'sentinel'));
    expect((await day())?.busy).toEqual([{ ref: 'sentinel', start: occupied.start, end: occupied.end }]);
  });

  test('keeps a bad event as a failed job with its reason, and goes on with the next', async () => {
    const lost = { ...occupied, id: 'lost', calendar: 'nobody' };
    await produce([
      { name: 'x', data: lost },
      { name: 'x', data: { ...occupied, id: 'backwards', end: `${date}T09:00:00+01:00` } },
      ...(bare === undefined ? [] : [{ name: 'x', data: { nothing: 'of ours' } }]),
      { name: 'x', data: occupied },
    ]);
    await eventually(async () => (await day())?.busy.length === 1);
    // What was taken in is done with a moment later.
    const counts = await eventually(async () => {
      const { waiting, active, failed: bad } = (await engine.status()).queues['slotkeeper-occupancy'] ?? {};
      return waiting === 0 && active === 0 && { failed: bad };
    });
    const reasons = (await failed()).map(({ reason }) => reason).sort();
    expect(reasons).toEqual([
      'calendar: there is no calendar "nobody"',
      'end: is not after the start',
      ...(bare === undefined ? [] : [expect.stringMatching(/^type: /)]),
    ]);
    expect(counts).toEqual({ failed: reasons.length });
  });

  test('does not take an event twice that was put on it twice', async () => {
    await enqueue([occupied, occupied]);
    await enqueue([{ ...occupied, id: 'the last', ref: 'sentinel', end: `${date}T10:50` }]);
    await eventually(async () => (await day())?.busy.length === 2);
    await settled(engine);
    expect((await day())?.state).toBe('in-sync');
  });
});

describe('a producer', () => {
  test('refuses what cannot be read with its path, and stores nothing of the call', async () => {
    const [, { fresh }] = backends as [unknown, (typeof backends)[number]];
    const { databaseUrl = '' } = await fresh();
    const producer = new OccupancyProducer({ databaseUrl });
    const bad = { ...occupied, ref: '' };
    const error = await producer.enqueue([occupied, bad]).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InvalidEventError);
    expect(error).toMatchObject({ index: 1, reason: expect.stringMatching(/^ref: /) });
    await producer.enqueue(occupied);
    const queue = bareQueue({ databaseUrl });
    expect(await queue?.getJobCounts('waiting')).toEqual({ waiting: 1 });
    await queue?.close();
    await producer.close();
  });

  test.each(['redis', 'postgres'])('says that %s is not there, without its password', async (scheme) => {
    const url = `${scheme}://user:s3cret@127.0.0.1:${await freePort()}/0`;
    const producer = new OccupancyProducer(scheme === 'redis' ? { redisUrl: url } : { databaseUrl: url });
    const error = await producer.enqueue(occupied).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ServiceUnavailableError);
    expect(String(error)).not.toContain('s3cret');
    await producer.close();
  });
});
