import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Encryptor } from '../../src/crypto/encryptor.js';
import { UnknownKeyError } from '../../src/crypto/unknown-key-error.js';
import { upsertBookings } from '../../src/db/tables/bookings.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import { postgresDatabase } from '../db/databases.js';
import { readFeed } from '../db/feed.js';
import { calendar } from '../db/seed-rows.js';
import { eventually } from '../support/eventually.js';
import { DeliveryFixture } from './delivery-fixture.js';
import { Receiver, SECRET } from './receiver.js';

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

const fresh = async () => ({ databaseUrl: await postgresDatabase() });

describe('a notification', () => {
  test('loses its data some days after its delivery, and is deleted after ninety', async () => {
    const receiver = await Receiver.start();
    const webhook = { url: receiver.url, secret: SECRET };
    const fixture = await DeliveryFixture.open(await fresh(), { webhook, keepDays: 3 });
    receiver.now = fixture.now;
    receiver.answer = ({ item }) => ({
      status: item.calendar === 'bad' ? 500 : 204,
      headers: { 'retry-after': '3600' },
    });
    const [good = '', bad = ''] = await fixture.addAndEnqueue({}, { calendar: 'bad' });
    const hasData = async (id: string) => ((await fixture.delivery.get(id))?.data ?? null) !== null;
    await eventually(async () => (await fixture.delivery.status()).undelivered === 1);

    fixture.ahead = 3 * DAY - HOUR;
    await fixture.sweep();
    expect([await hasData(good), await hasData(bad)]).toEqual([true, true]);

    fixture.ahead = 3 * DAY + 2 * HOUR;
    await fixture.sweep();
    expect(await fixture.delivery.get(good)).toMatchObject({ data: null, purged: true });
    expect(await hasData(bad)).toBe(true);

    fixture.ahead = 31 * DAY;
    await fixture.sweep();
    expect(await hasData(bad)).toBe(false);
    fixture.ahead = 91 * DAY;
    await fixture.sweep();
    expect(await fixture.delivery.get(good)).toBeUndefined();
    await fixture.close();
  });

  test('of a booking stays without its data until the booking is over, so that it is not delivered again', async () => {
    const fixture = await DeliveryFixture.open(await fresh(), { parts: ['sweep'] });
    const { db } = fixture.database;
    const start = new Date(fixture.now() + 100 * DAY);
    const known = { calendar: 'nowak', start, end: new Date(start.getTime() + HOUR), service: null } as const;
    const unset = { bookedBy: null, ref: null, refStart: null, movedTo: null, failed: null } as const;
    const booking = { ...known, ...unset, id: 'far', status: 'booked', placeholder: false } as const;
    await putCalendar(db, calendar(), new Date());
    await upsertBookings([booking], new Date())?.execute(db);
    const added = await fixture.add({ booking: 'far' }, { booking: 'near' });
    const [far = '', near = ''] = added.map(({ id }) => id);

    fixture.ahead = 91 * DAY;
    await fixture.sweep();
    expect(await fixture.delivery.get(near)).toBeUndefined();
    expect(await fixture.delivery.get(far)).toMatchObject({ booking: 'far', data: null });
    fixture.ahead = 101 * DAY;
    await fixture.sweep();
    expect(await fixture.delivery.get(far)).toBeUndefined();
    await fixture.close();
  });

  test('is encrypted anew after a change of the key, so that the old key can be removed', async () => {
    const place = await fresh();
    const [old, key] = [randomBytes(32), randomBytes(32)];
    const before = await DeliveryFixture.open(place, { encryptor: new Encryptor([old]), parts: [] });
    const ids = await before.addAndEnqueue({}, {}, {});
    await before.close();

    const rotating = await DeliveryFixture.open(place, {
      encryptor: new Encryptor([key, old]),
      parts: ['sweep'],
    });
    const read = (encryptor: Encryptor) => readFeed(rotating.database.db, encryptor, { limit: 10 });
    expect((await read(new Encryptor([key]))).items.map(({ id }) => id)).toEqual(ids);
    await expect(read(new Encryptor([old]))).rejects.toThrow(UnknownKeyError);
    await rotating.close();
  });
});
