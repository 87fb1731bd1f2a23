import { describe, expect, test } from '@jest/globals';
import { backends, type Place } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';
import { filesIn, finderOf, keysAt, rowsIn } from '../support/written.js';
import { DeliveryFixture } from './delivery-fixture.js';
import { Receiver, SECRET } from './receiver.js';

const PLANTED = { name: 'Plantedname', phone: '+48999888777', email: 'planted@patient.example' };
const found = finderOf(Object.values(PLANTED));

describe.each(backends)('the data of a patient, delivered or not, on $name', ({ fresh }) => {
  test('is readable neither in the database, the queue and the files, nor in the log', async () => {
    const place: Place = await fresh();
    const receiver = await Receiver.start();
    receiver.answer = ({ item }) =>
      // The response repeats the request, as error pages do.
      item.calendar === 'bad'
        ? { status: 500, body: JSON.stringify(item) }
        : { status: 200, body: JSON.stringify(item) };
    const webhook = { url: receiver.url, secret: SECRET };
    const fixture = await DeliveryFixture.open(place, { webhook, queue: true });
    const data = { visit_booking: { patient: PLANTED, comment: `call ${PLANTED.phone}` } };
    await fixture.addAndEnqueue({ data }, { data, calendar: 'bad' }, { data, calendar: null });
    await eventually(async () => (await fixture.delivery.status()).undelivered === 1);
    await fixture.waitForFailures(1);
    expect(JSON.stringify(receiver.received)).toContain(PLANTED.name);

    expect(found(fixture.log.join(''))).toEqual([]);
    const rows = await rowsIn(fixture.database.pool);
    expect(rows).toContain('slotkeeper.notifications');
    expect(found(rows)).toEqual([]);
    if (place.redisUrl !== undefined) {
      const keys = await keysAt(place.redisUrl);
      expect(keys).toContain('bull');
      expect(found(keys)).toEqual([]);
    }
    await fixture.close();
    if (place.data !== undefined) {
      const files = [...(await filesIn(place.data))];
      expect(files.length).toBeGreaterThan(100);
      expect(files.filter(([, content]) => found(content).length > 0).map(([path]) => path)).toEqual([]);
    }
  });
});
