// What a resync finds and what it does about it, day by day, on the calendars of one desk.
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { addressOf, ClinicFixture } from '../support/clinic-fixture.js';
import { requestAsAnotherClient, resync, writesOf } from './resync-fixture.js';

const CALENDARS = Array.from({ length: 10 }, (_, n) => `c${n}`);
const DAYS = [0, 1, 2, 3, 4];
const OFFER = [{ address_service_id: 'visit', duration: 20 }];

describe('a resync', () => {
  let fixture: ClinicFixture;

  beforeAll(async () => {
    fixture = await ClinicFixture.open({ still: true, calendars: ['nowak', ...CALENDARS] });
    // One event for a calendar, so that it is one write: there are 40 in a minute.
    const windows = DAYS.map((n) => fixture.dateAfter(n)).map((date) => ({
      start: `${date}T10:00:00`,
      end: `${date}T11:00:00`,
      services: [{ id: 'visit', duration: 20 }],
    }));
    const [from, to] = [fixture.date, fixture.dateAfter(DAYS.length - 1)];
    await fixture.send(
      ...['nowak', ...CALENDARS].map(
        (calendar) => ({ type: 'available', calendar, from, to, windows }) as const,
      ),
    );
    await fixture.untilAtRest();
  });

  beforeEach(async () => {
    const { differences } = await resync(fixture, { dryRun: true, calendars: ['nowak'] });
    expect(differences).toEqual({ missing: 0, extra: 0, stale: 0, foreign: 0 });
  });

  const datesOfLastPut = (): string[] => {
    const body = JSON.stringify(fixture.requests('replaceSlots').at(-1)?.body);
    return DAYS.map((n) => fixture.dateAfter(n)).filter((date) => body.includes(date));
  };

  /** Everything that the record knows of a calendar. */
  async function record(): Promise<unknown> {
    const tables = ['days', 'windows', 'occupancy', 'bookings', 'breaks'];
    return await Promise.all(
      tables.map(async (table) => {
        const { rows } = await sql`
          SELECT * FROM slotkeeper.${sql.raw(table)} WHERE calendar_id = 'nowak' ORDER BY 1, 2, 3`.execute(
          fixture.engine.db,
        );
        return rows;
      }),
    );
  }

  test('with dryRun writes nothing, changes nothing, and reports what a real one reports', async () => {
    const [gone, added, booked] = [fixture.dateAfter(1), fixture.dateAfter(2), fixture.dateAfter(3)];
    await requestAsAnotherClient(fixture, 'DELETE', `/slots/${gone}`);
    const more = {
      start: fixture.at('09:00', added),
      end: fixture.at('12:00', added),
      address_services: OFFER,
    };
    await requestAsAnotherClient(fixture, 'PUT', '/slots', { slots: [more] });
    const { id } = fixture.sandbox.book(addressOf('nowak'), {
      start: fixture.at('10:20', booked),
      serviceId: 'visit',
    });
    const [before, writes] = [await record(), writesOf(fixture)];

    const dry = await resync(fixture, { dryRun: true, calendars: ['nowak'] });
    expect(dry.differences).toEqual({ missing: 1, extra: 1, stale: 0, foreign: 1 });
    expect(await record()).toEqual(before);
    expect(writesOf(fixture)).toBe(writes);

    const real = await resync(fixture, { calendars: ['nowak'] });
    expect([real.differences, real.days]).toEqual([dry.differences, dry.days]);
    expect(
      real.days.map(({ date, missing, extra, foreign }) => [date, missing.length, extra.length, foreign]),
    ).toEqual([
      [gone, 3, 0, false],
      [added, 0, 6, false],
      [booked, 0, 0, true],
    ]);
    expect(fixture.shown('nowak', booked)).toEqual(['10:00', '10:40']);
    fixture.sandbox.cancel(id);
    await resync(fixture, { calendars: ['nowak'] });
    expect(fixture.shown('nowak', booked)).toEqual(['10:00', '10:20', '10:40']);
  });

  test('finds a write that was answered and never executed, and writes that day', async () => {
    await fixture.book('apt-lost', '10:20', '10:40');
    await fixture.untilAtRest();
    const old = { start: fixture.at('10:00'), end: fixture.at('11:00'), address_services: OFFER };
    await requestAsAnotherClient(fixture, 'PUT', '/slots', { slots: [old] });
    expect(fixture.shown()).toContain('10:20');
    const report = await resync(fixture, { calendars: ['nowak'] });
    expect(report).toMatchObject({ differences: { missing: 0, extra: 1, stale: 0, foreign: 0 }, writes: 1 });
    expect(report.days).toMatchObject([{ date: fixture.date, extra: [`${fixture.at('10:20')} (visit)`] }]);
    expect(datesOfLastPut()).toEqual([fixture.date]);
    expect(fixture.shown()).toEqual(['10:00', '10:40']);
    await fixture.free('apt-lost');
    await fixture.untilAtRest();
  });

  test('of a database restored from last week writes exactly the days that differ', async () => {
    const [one, other] = [fixture.dateAfter(1), fixture.dateAfter(4)];
    await sql`
      UPDATE slotkeeper.windows SET end_at = end_at - interval '20 minutes'
      WHERE calendar_id = 'nowak' AND date = ${one}`.execute(fixture.engine.db);
    await sql`
      INSERT INTO slotkeeper.occupancy (calendar_id, ref, start_at, end_at, kind, updated_at)
      VALUES ('nowak', 'old', ${fixture.at('10:00', other)}, ${fixture.at('10:20', other)}, 'booking', now())`.execute(
      fixture.engine.db,
    );
    const report = await resync(fixture, { calendars: ['nowak'] });
    expect(report).toMatchObject({ differences: { missing: 0, extra: 2, stale: 0, foreign: 0 }, writes: 1 });
    expect(datesOfLastPut()).toEqual([one, other]);
    expect(fixture.shown('nowak', one)).toEqual(['10:00', '10:20']);
    expect(fixture.shown('nowak', other)).toEqual(['10:20', '10:40']);
    expect(await resync(fixture, { calendars: ['nowak'] })).toMatchObject({
      differences: { missing: 0, extra: 0 },
      writes: 0,
    });
  });

  test('corrects a day with bookings of others and added slots', async () => {
    const date = fixture.dateAfter(2);
    fixture.sandbox.book(addressOf('nowak'), { start: fixture.at('10:20', date), serviceId: 'visit' });
    const more = {
      start: fixture.at('09:00', date),
      end: fixture.at('11:00', date),
      address_services: OFFER,
    };
    await requestAsAnotherClient(fixture, 'PUT', '/slots', { slots: [more] });
    const dry = await resync(fixture, { dryRun: true, calendars: ['nowak'] });
    const report = await resync(fixture, { calendars: ['nowak'] });
    expect(report.days).toEqual(dry.days);
    expect(report.days).toMatchObject([{ date, foreign: true, extra: { length: 3 } }]);
    expect(fixture.shown('nowak', date)).toEqual(['10:00', '10:40']);
  });

  test('of many calendars with a few days that differ writes one request for each calendar that has any', async () => {
    const dates = new Map([
      ['c3', fixture.dateAfter(2)],
      ['c8', fixture.dateAfter(0)],
    ]);
    for (const [calendar, date] of dates) {
      await requestAsAnotherClient(fixture, 'DELETE', `/slots/${date}`, undefined, calendar);
    }
    const before = writesOf(fixture);
    const report = await resync(fixture);
    expect(report).toMatchObject({
      calendars: 11,
      daysCompared: 55,
      differences: { missing: 2, extra: 0, stale: 0, foreign: 0 },
      writes: 2,
    });
    expect(new Map(report.days.map(({ calendar, date }) => [calendar, date]))).toEqual(
      new Map([...dates].sort()),
    );
    expect(writesOf(fixture) - before).toBe(2);
  });
});
