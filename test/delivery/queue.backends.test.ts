import { describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { backends } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';
import { DeliveryFixture } from './delivery-fixture.js';

describe.each(backends)('the queue for a PMS on $name', ({ fresh }) => {
  test('contains each notification once, in order, as a reference without patient data', async () => {
    const fixture = await DeliveryFixture.open(await fresh(), { queue: true });
    const queue = fixture.queues.openQueue('slotkeeper-notifications');
    const jobs = () => queue.getJobs(['waiting'], 0, -1, true);

    const ids = await fixture.addAndEnqueue({}, { calendar: null }, { calendar: 'lis' });
    await eventually(async () => (await jobs()).length === 3);
    // As after a crash between the queue and the database: they are published again, before later ones.
    await eventually(async () => {
      const { rows } = await sql`SELECT FROM slotkeeper.notifications WHERE queued_at IS NULL`.execute(
        fixture.database.db,
      );
      return rows.length === 0;
    });
    await sql`UPDATE slotkeeper.notifications SET queued_at = NULL`.execute(fixture.database.db);
    const more = await fixture.addAndEnqueue({});
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
    expect(await fixture.delivery.counts()).toMatchObject({ 'slotkeeper-notifications': { waiting: 4 } });
  });
});
