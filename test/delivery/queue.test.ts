import { expect, test } from '@jest/globals';
import { postgresDatabase } from '../db/databases.js';
import { eventually } from '../support/eventually.js';
import { Office } from './delivery-fixture.js';

test('the queue for a PMS gives its consumer what it fetches by the id, also what only the round finds', async () => {
  const office = await Office.open({ databaseUrl: await postgresDatabase() }, { queue: true });
  const seen: unknown[] = [];
  const worker = office.queues.worker(
    'slotkeeper-notifications',
    async (job) => seen.push(await office.delivery.get(job.id ?? '')),
    { concurrency: 1 },
  );
  await office.queues.ready();
  const [said] = await office.say({ calendar: 'fetched' });
  await eventually(() => seen.length === 1);
  const [found] = await office.hear({ calendar: 'found' });
  await office.round();
  await eventually(() => seen.length === 2);
  expect(seen).toMatchObject([
    { id: said, calendar: 'fetched', data: { visit_booking: {} } },
    { id: found?.id, calendar: 'found', data: { visit_booking: {} } },
  ]);
  await worker.close();
});
