import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JobQueue } from '../../src/queue/queues.js';
import { backends } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';
import { Office } from './office.js';

describe.each(backends)('the queue for a PMS on $name', ({ fresh }) => {
  let office: Office;
  let queue: JobQueue;

  beforeAll(async () => {
    office = await Office.open(await fresh(), { queue: true, everyMs: 500 });
    queue = office.queues.queue('slotkeeper-notifications');
  });

  afterAll(async () => {
    await office.close();
  });

  const jobs = () => queue.getJobs(['waiting'], 0, -1, true);

  test('holds each notification once, in order, and says which it is and nothing of patients', async () => {
    const ids = await office.say({}, { calendar: null }, { calendar: 'lis' });
    await eventually(async () => (await jobs()).length === 3);
    // Woken again, and found by the round: still once.
    office.delivery.wake(ids.map((id) => ({ id, account: 'warsaw', calendar: 'nowak' })));
    const more = await office.say({});
    await eventually(async () => (await jobs()).length === 4);
    const found = await jobs();
    expect(found.map(({ id }) => id)).toEqual([...ids, ...more]);
    expect(found[0]?.data).toEqual({
      id: ids[0],
      account: 'warsaw',
      calendar: 'nowak',
      name: 'slot-booked',
      cursor: expect.stringMatching(/^\d+$/),
    });
    expect(JSON.stringify(found)).not.toContain('Patientowa');
    expect(await office.delivery.counts()).toMatchObject({ 'slotkeeper-notifications': { waiting: 4 } });
  });

  test('gives its consumer what it fetches by the id', async () => {
    const seen: unknown[] = [];
    const worker = office.queues.worker(
      'slotkeeper-notifications',
      async (job) => seen.push(await office.delivery.get(job.id ?? '')),
      { concurrency: 1 },
    );
    await office.queues.ready();
    const [id] = await office.say({ calendar: 'fetched' });
    await eventually(() => seen.length === 5);
    expect(seen.at(-1)).toMatchObject({ id, calendar: 'fetched', data: { visit_booking: {} } });
    await worker.close();
  });
});
