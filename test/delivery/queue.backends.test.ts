import { describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { backends } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';
import { Office } from './delivery-fixture.js';

describe.each(backends)('the queue for a PMS on $name', ({ fresh }) => {
  test('holds each notification once, in order, and says which it is and nothing of patients', async () => {
    const office = await Office.open(await fresh(), { queue: true });
    const queue = office.queues.queue('slotkeeper-notifications');
    const jobs = () => queue.getJobs(['waiting'], 0, -1, true);

    const ids = await office.say({}, { calendar: null }, { calendar: 'lis' });
    await eventually(async () => (await jobs()).length === 3);
    // As after a crash between the queue and the record: they are put there again, before what comes then.
    await eventually(async () => {
      const { rows } = await sql`SELECT FROM slotkeeper.notifications WHERE queued_at IS NULL`.execute(
        office.database.db,
      );
      return rows.length === 0;
    });
    await sql`UPDATE slotkeeper.notifications SET queued_at = NULL`.execute(office.database.db);
    const more = await office.say({});
    await eventually(async () => (await jobs()).length >= 4);
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
});
