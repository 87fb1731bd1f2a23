import { expect, test } from '@jest/globals';
import { InvalidEventError } from '../../src/clinic/invalid-event-error.js';
import { OccupancyProducer } from '../../src/clinic/occupancy-producer.js';
import { openDatabase } from '../../src/db/database.js';
import { ServiceUnavailableError } from '../../src/db/service-unavailable-error.js';
import { Queues } from '../../src/queue/queues.js';
import { postgresDatabase } from '../db/databases.js';
import { CALENDAR, foundingExample } from '../engine/founding-example.js';
import { openClinic, settled, startEngine } from '../engine/running.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';

const { date, events } = foundingExample();
const [available, occupied] = events;

test('an event that a producer enqueues twice is applied once', async () => {
  const databaseUrl = await postgresDatabase();
  const engine = await startEngine({ databaseUrl });
  await openClinic(engine);
  await engine.events([available]);
  const producer = new OccupancyProducer({ databaseUrl });
  await producer.enqueue([occupied, occupied]);
  await producer.enqueue([{ ...occupied, id: 'the last', ref: 'sentinel', end: `${date}T10:50` }]);
  const day = async () => (await engine.days(CALENDAR, date, date))?.[0];
  await eventually(async () => (await day())?.busy.length === 2);
  await settled(engine);
  expect((await day())?.state).toBe('in-sync');
  await producer.close();
  await engine.stop();
});

test('a producer rejects invalid events with their paths, and enqueues nothing of the call', async () => {
  const databaseUrl = await postgresDatabase();
  const producer = new OccupancyProducer({ databaseUrl });
  const bad = { ...occupied, ref: '' };
  const error = await producer.enqueue([occupied, bad]).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InvalidEventError);
  expect(error).toMatchObject({ index: 1, reason: expect.stringMatching(/^ref: /) });
  const wrong = { ...bad, start: 1_796_636_400, verison: 2 };
  await expect(producer.enqueue([bad, occupied, wrong])).rejects.toMatchObject({
    index: 0,
    problems: [
      { index: 0, path: 'ref', reason: 'must not be empty' },
      { index: 2, path: 'ref', reason: 'must not be empty' },
      { index: 2, path: 'start', reason: 'looks like seconds: send milliseconds or ISO 8601' },
      { index: 2, path: 'verison', reason: 'unknown key "verison", did you mean "version"?' },
    ],
  });
  const dropped = { note: 'private' };
  await producer.enqueue({ ...occupied, ref: 77, ...dropped });
  await producer.close();

  const { pool, close } = await openDatabase({ url: databaseUrl });
  const queues = new Queues({ store: { kind: 'database', pool }, onError: () => {} });
  await queues.connect();
  const [job, ...others] = await queues.openQueue('slotkeeper-occupancy').getJobs(['waiting']);
  expect(others).toEqual([]);
  expect(job?.data).toEqual({ ...occupied, ref: '77', kind: 'booking' });
  await queues.close();
  await close();
});

test.each(['redis', 'postgres'])(
  'a producer reports that %s is unavailable, without its password',
  async (scheme) => {
    const url = `${scheme}://user:s3cret@127.0.0.1:${await freePort()}/0`;
    const producer = new OccupancyProducer(scheme === 'redis' ? { redisUrl: url } : { databaseUrl: url });
    const error = await producer.enqueue(occupied).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ServiceUnavailableError);
    expect(String(error)).not.toContain('s3cret');
    await producer.close();
  },
);
