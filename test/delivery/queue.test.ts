import { expect, test } from '@jest/globals';
import { postgresDatabase } from '../db/databases.js';
import { eventually } from '../support/eventually.js';
import { DeliveryFixture } from './delivery-fixture.js';

test('the queue for a PMS gives its consumer ids to fetch by, also of what only the sweep finds', async () => {
  const fixture = await DeliveryFixture.open({ databaseUrl: await postgresDatabase() }, { queue: true });
  const seen: unknown[] = [];
  const worker = fixture.queues.startWorker(
    'slotkeeper-notifications',
    async (job) => seen.push(await fixture.delivery.get(job.id ?? '')),
    { concurrency: 1 },
  );
  await fixture.queues.waitUntilReady();
  const [enqueued] = await fixture.addAndEnqueue({ calendar: 'fetched' });
  await eventually(() => seen.length === 1);
  const [found] = await fixture.add({ calendar: 'found' });
  await fixture.sweep();
  await eventually(() => seen.length === 2);
  expect(seen).toMatchObject([
    { id: enqueued, calendar: 'fetched', data: { visit_booking: {} } },
    { id: found?.id, calendar: 'found', data: { visit_booking: {} } },
  ]);
  await worker.close();
});
