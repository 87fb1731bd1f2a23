import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Encryptor } from '../../src/crypto/encryptor.js';
import { UnknownKeyError } from '../../src/crypto/unknown-key-error.js';
import { upsertBookings } from '../../src/db/tables/bookings.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import { feed } from '../../src/db/tables/notifications.js';
import { postgresDatabase } from '../db/databases.js';
import { calendar } from '../db/seed-rows.js';
import { eventually } from '../support/eventually.js';
import { Office } from './delivery-fixture.js';
import { Receiver, SECRET } from './receiver.js';

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

const fresh = async () => ({ databaseUrl: await postgresDatabase() });

describe('what is kept', () => {
  test('is without its data some days after it was delivered, and gone after ninety', async () => {
    const receiver = await Receiver.start();
    const webhook = { url: receiver.url, secret: SECRET };
    const office = await Office.open(await fresh(), { webhook, keepDays: 3 });
    receiver.now = office.now;
    receiver.answer = ({ item }) => ({
      status: item.calendar === 'bad' ? 500 : 204,
      headers: { 'retry-after': '3600' },
    });
    const [good = '', bad = ''] = await office.say({}, { calendar: 'bad' });
    const hasData = async (id: string) => ((await office.delivery.get(id))?.data ?? null) !== null;
    await eventually(async () => (await office.delivery.status()).undelivered === 1);

    office.ahead = 3 * DAY - HOUR;
    await office.round();
    expect([await hasData(good), await hasData(bad)]).toEqual([true, true]);

    office.ahead = 3 * DAY + 2 * HOUR;
    await office.round();
    expect(await office.delivery.get(good)).toMatchObject({ data: null, purged: true });
    expect(await hasData(bad)).toBe(true);

    office.ahead = 31 * DAY;
    await office.round();
    expect(await hasData(bad)).toBe(false);
    office.ahead = 91 * DAY;
    await office.round();
    expect(await office.delivery.get(good)).toBeUndefined();
    await office.close();
  });

  test('of a booking stays, without its data, until that is over: what was told is not told again', async () => {
    const office = await Office.open(await fresh(), { parts: ['round'] });
    const { db } = office.database;
    const start = new Date(office.now() + 100 * DAY);
    const said = { calendar: 'nowak', start, end: new Date(start.getTime() + HOUR), service: null } as const;
    const unsaid = { bookedBy: null, ref: null, refStart: null, movedTo: null, failed: null } as const;
    const booking = { ...said, ...unsaid, id: 'far', status: 'booked', placeholder: false } as const;
    await putCalendar(db, calendar(), new Date());
    await upsertBookings([booking], new Date())?.execute(db);
    const added = await office.hear({ booking: 'far' }, { booking: 'near' });
    const [far = '', near = ''] = added.map(({ id }) => id);

    office.ahead = 91 * DAY;
    await office.round();
    expect(await office.delivery.get(near)).toBeUndefined();
    expect(await office.delivery.get(far)).toMatchObject({ booking: 'far', data: null });
    office.ahead = 101 * DAY;
    await office.round();
    expect(await office.delivery.get(far)).toBeUndefined();
    await office.close();
  });

  test('is sealed anew after the key was changed, so that the old one can go', async () => {
    const place = await fresh();
    const [old, key] = [randomBytes(32), randomBytes(32)];
    const before = await Office.open(place, { encryptor: new Encryptor([old]), parts: [] });
    const ids = await before.say({}, {}, {});
    await before.close();

    const changing = await Office.open(place, { encryptor: new Encryptor([key, old]), parts: ['round'] });
    const read = (encryptor: Encryptor) => feed(changing.database.db, encryptor, { limit: 10 });
    expect((await read(new Encryptor([key]))).items.map(({ id }) => id)).toEqual(ids);
    await expect(read(new Encryptor([old]))).rejects.toThrow(UnknownKeyError);
    await changing.close();
  });
});
