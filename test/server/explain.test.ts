import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Slotkeeper } from '../../src/engine.js';
import { postgresDatabase } from '../db/databases.js';
import { CALENDAR } from '../engine/founding-example.js';
import { openClinic, startEngine } from '../engine/running.js';
import { type Caller, serve } from './served.js';

/** Nine days before Warsaw's clocks skip 02:00 to 03:00. */
const NOW = Date.parse('2026-03-20T08:00:00+01:00');

describe('GET /v1/calendars/{id}/explain', () => {
  let engine: Slotkeeper;
  let call: Caller;

  beforeAll(async () => {
    engine = await startEngine({ databaseUrl: await postgresDatabase() }, { now: () => NOW, roles: ['api'] });
    call = await serve(engine);
  });

  beforeEach(async () => {
    await openClinic(engine, { now: () => NOW });
  });

  afterAll(async () => {
    await engine.stop();
  });

  const get = (query: string, calendar = CALENDAR) =>
    call('GET', `/v1/calendars/${calendar}/explain${query}`);

  test.each([
    ['2026-03-23T10:00', 'a wall-clock time of the account'],
    ['2026-03-23T09:00:00Z', 'another offset'],
    ['2026-03-23T10:00:00+01:00', 'a plus sign that is not encoded'],
    ['2026-03-23T10:00:00%2B01:00', 'a plus sign that is encoded'],
    ['2026-03-23%2010:00', 'a space for the T'],
    [`${Date.parse('2026-03-23T09:00:00Z')}`, 'epoch milliseconds'],
  ])('reads %s: %s', async (at) => {
    const { status, body } = await get(`?at=${at}`);
    expect([status, body.at]).toEqual([200, '2026-03-23T10:00:00+01:00']);
    expect(body).toMatchObject({
      calendar: CALENDAR,
      service: null,
      wanted: false,
      published: false,
      shown: null,
      state: 'unknown',
    });
    expect(body.checks).toHaveLength(10);
  });

  test('answers 200 for times that do not exist, are over, or are too far ahead, with a check that says so', async () => {
    const horizon = async (at: string) => {
      const { status, body } = await get(`?at=${at}`);
      return [status, body.wanted, body.checks[2].ok, body.checks[2].detail];
    };
    expect(await horizon('2026-03-29T02:30')).toEqual([
      200,
      false,
      false,
      'the clock change skips this time: it does not exist, and 2026-03-29T03:30:00+02:00 comes instead',
    ]);
    expect(await horizon('2026-03-20T07:59')).toEqual([200, false, false, 'the time is in the past']);
    expect(await horizon('2030-01-01T10:00')).toEqual([
      200,
      false,
      false,
      'the date is too far ahead: published is what lies up to 2026-06-11',
    ]);
  });

  test('a time that the clock skips is not on offer, although the time that comes instead is', async () => {
    const window = {
      start: '2026-03-29T01:00',
      end: '2026-03-29T06:00',
      services: [{ id: '123', duration: 30 }],
    };
    const days = { from: '2026-03-29', to: '2026-03-29' };
    const event = { id: 'evt-1', type: 'available', calendar: CALENDAR, ...days, windows: [window] };
    expect((await call('POST', '/v1/events', { events: [event] })).body).toMatchObject({ accepted: 1 });
    expect((await get('?at=2026-03-29T03:30')).body).toMatchObject({ wanted: true });
    const { body } = await get('?at=2026-03-29T02:30');
    expect(body).toMatchObject({ wanted: false, published: false, shown: null });
    expect(body.checks.find(({ check }: { check: string }) => check === 'fits')).toEqual({
      check: 'fits',
      ok: null,
      detail: 'not checked: the time does not exist',
    });
  });

  test.each([
    ['', 'at', 'is required'],
    ['?at=', 'at', expect.stringMatching(/^must be an instant/)],
    ['?at=noon', 'at', expect.stringMatching(/^must be an instant/)],
    ['?at=1764500000', 'at', 'looks like seconds: send milliseconds or ISO 8601'],
    ['?at=2026-13-01T10:00', 'at', expect.stringMatching(/^must be an instant/)],
    ['?at=9999-06-01T10:00', 'at', 'must be an instant of the years 1971 to 9998'],
    [`?at=${'1'.repeat(65)}`, 'at', expect.any(String)],
    ['?at=2026-03-23T10:00&service=', 'service', expect.any(String)],
  ])('answers 400 to %s with the path %s', async (query, path, reason) => {
    const { status, type, body } = await get(query);
    expect([status, type]).toEqual([400, 'application/problem+json; charset=utf-8']);
    expect(body.errors).toEqual([{ path, reason }]);
  });

  test('answers 404 for an unknown calendar', async () => {
    expect(await get('?at=2026-03-23T10:00', 'nobody')).toMatchObject({
      status: 404,
      body: { detail: 'there is no calendar "nobody"' },
    });
  });
});
