import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Slotkeeper } from '../../src/engine.js';
import type { Sandbox } from '../../src/sandbox/index.js';
import { deleteAllRows, postgresDatabase } from '../db/databases.js';
import {
  ACCOUNT,
  ADDRESS,
  accountConfig,
  CALENDAR,
  foundingExample,
  WEEK_BEFORE,
} from '../engine/founding-example.js';
import { openClinic, settled, startEngine } from '../engine/running.js';
import { type Answer, type Caller, KEY, serve } from './served.js';

const { date, events, put } = foundingExample();
const encryptionKey = randomBytes(32).toString('base64');
const [available, occupied] = events;
const PROBLEM = 'application/problem+json; charset=utf-8';

describe('the HTTP API', () => {
  let engine: Slotkeeper;
  let sandbox: Sandbox;
  let call: Caller;
  let now = WEEK_BEFORE;

  beforeAll(async () => {
    engine = await startEngine({ databaseUrl: await postgresDatabase() }, { now: () => now, encryptionKey });
    call = await serve(engine);
  });

  beforeEach(async () => {
    now = WEEK_BEFORE;
    sandbox = await openClinic(engine);
  });

  afterAll(async () => {
    await engine.stop();
  });

  const expectProblem = (
    answer: Answer,
    problem: { readonly status: number; readonly [more: string]: unknown },
  ) => {
    expect(answer).toMatchObject({ status: problem.status, type: PROBLEM });
    expect(answer.body).toEqual({ type: 'about:blank', title: expect.any(String), ...problem });
  };
  const invalid = (path: string, reason: unknown = expect.any(String)) => ({
    status: 400,
    detail: expect.stringMatching(/is invalid/),
    errors: [{ path, reason }],
  });

  describe('with a wrong or missing key', () => {
    test.each([
      ['none', {}, 'send Authorization: Bearer with the API key'],
      ['another', { authorization: 'Bearer key-of-another' }, 'the API key is wrong'],
      ['another way', { authorization: 'Basic a2V5' }, 'send Authorization: Bearer with the API key'],
    ])('answers 401 to every route of /v1 (%s)', async (_, headers, detail) => {
      const routes = [
        ['POST', '/v1/events'],
        ['GET', '/v1/status'],
        ['GET', `/v1/calendars/${CALENDAR}/days`],
        ['PUT', `/v1/accounts/${ACCOUNT}`],
        ['DELETE', `/v1/calendars/${CALENDAR}`],
      ];
      for (const [method = '', path = ''] of routes) {
        const response = await fetch(`${call.url}${path}`, { method, headers });
        expect(response.headers.get('www-authenticate')).toBe('Bearer');
        expectProblem(
          {
            status: response.status,
            type: response.headers.get('content-type'),
            headers: response.headers,
            body: await response.json(),
          },
          { status: 401, detail },
        );
      }
    });

    test('answers liveness and readiness', async () => {
      for (const [path, body] of [
        ['/healthz', { status: 'ok' }],
        ['/readyz', { ready: true, database: 'ok', queue: 'ok', publishing: 'ok' }],
      ]) {
        const response = await fetch(`${call.url}${path}`);
        expect([response.status, await response.json()]).toEqual([200, body]);
      }
    });
  });

  test.each([
    ['GET', '/healthz', 200],
    ['GET', '/readyz', 200],
    ['GET', '/metrics', 200],
    ['GET', '/v1/status', 200],
    ['GET', '/v1/nothing', 404],
    ['GET', '/nothing', 404],
    ['GET', '/v1/calendars/%', 400],
    ['POST', '/v1/events', 400],
  ])('forbids storing and sniffing of every response: %s %s', async (method, path, status) => {
    const headers = { authorization: `Bearer ${KEY}` };
    const answer = await fetch(`${call.url}${path}`, { method, headers });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('a date is unknown until an event or a snapshot sets the availability, also an empty one', async () => {
    const state = async () =>
      (await call('GET', `/v1/calendars/${CALENDAR}/days?from=2026-12-24&to=2026-12-25`)).body.map(
        (day: { state: string }) => day.state,
      );
    const christmas = { start: '2026-12-24T10:00', end: '2026-12-24T10:10' };
    await call('POST', '/v1/events', { events: [{ ...occupied, id: 'eve', ref: 'eve', ...christmas }] });
    expect(await state()).toEqual(['unknown', 'unknown']);
    const closed = { from: '2026-12-24', to: '2026-12-24', windows: [] };
    await call('POST', '/v1/events', { events: [{ ...available, id: 'closed', ...closed }] });
    await settled(engine);
    expect(await state()).toEqual(['in-sync', 'unknown']);
    const snapshot = { from: '2026-12-25', to: '2026-12-25', complete: true, windows: [], occupancy: [] };
    await call('PUT', `/v1/calendars/${CALENDAR}/snapshot`, snapshot);
    await settled(engine);
    expect(await state()).toEqual(['in-sync', 'in-sync']);
  });

  describe('POST /v1/events', () => {
    test('answers 202 with the outcome of each event', async () => {
      await call('POST', '/v1/events', { events: [available, { ...occupied, version: 3 }] });
      const list = [
        occupied,
        { ...occupied, id: 'older', version: 2 },
        { ...occupied, id: 'lost', calendar: 'nobody' },
        { ...occupied, id: 'fresh', ref: 'other' },
      ];
      expect(await call('POST', '/v1/events', { events: list })).toMatchObject({
        status: 202,
        body: {
          accepted: 1,
          duplicates: 1,
          stale: 1,
          rejected: [{ index: 2, id: 'lost', reason: 'calendar: there is no calendar "nobody"' }],
        },
      });
    });

    test('answers 422 with the problems where all were rejected, and 202 where one was a duplicate', async () => {
      await call('POST', '/v1/events', { events: [{ ...occupied, id: 'known' }] });
      const wrong = [
        { ...occupied, id: 5, ref: 1.5 },
        { ...occupied, id: 'b', type: 'ocupied' },
        { ...occupied, id: 'c', calendar: 'nobody' },
      ];
      const refused = await call('POST', '/v1/events', { events: wrong });
      expect(refused).toMatchObject({ status: 422, type: PROBLEM });
      expect(refused.body).toEqual({
        type: 'about:blank',
        status: 422,
        title: expect.any(String),
        detail: 'all 3 events were rejected',
        accepted: 0,
        duplicates: 0,
        stale: 0,
        ignored: 0,
        past: 0,
        warnings: [],
        differing: [],
        rejected: [
          {
            index: 0,
            id: '5',
            reason: 'ref: expected text or whole number',
            problems: [{ path: 'ref', reason: 'expected text or whole number' }],
          },
          expect.objectContaining({
            index: 1,
            id: 'b',
            reason: expect.stringContaining('did you mean "occupied"?'),
          }),
          expect.objectContaining({ index: 2, id: 'c', reason: 'calendar: there is no calendar "nobody"' }),
        ],
      });
      const partly = await call('POST', '/v1/events', {
        events: [...wrong, { ...occupied, id: 'known', ref: 'x' }],
      });
      expect(partly).toMatchObject({
        status: 202,
        body: { duplicates: 1, differing: [{ index: 3, id: 'known' }], rejected: { length: 3 } },
      });
    });

    test('computes the result with dryRun, and changes nothing', async () => {
      const path = '/v1/events?dryRun=true';
      const fresh = { ...occupied, id: 'tried', ref: 'tried', note: 'x' };
      const days = `/v1/calendars/${CALENDAR}/days?from=${date}&to=${date}`;
      const before = (await call('GET', days)).body;
      for (let n = 0; n < 2; n += 1) {
        expect(await call('POST', path, { events: [fresh] })).toMatchObject({
          status: 202,
          body: { accepted: 1, duplicates: 0, warnings: [{ path: 'note' }] },
        });
      }
      expect(await call('POST', path, { events: [{ ...fresh, end: 'soon' }] })).toMatchObject({
        status: 422,
      });
      expect((await call('GET', days)).body).toEqual(before);
      expectProblem(await call('POST', '/v1/events?dryRun=yes', { events: [fresh] }), invalid('dryRun'));
    });

    test('accepts a thousand events', async () => {
      const list = Array.from({ length: 1_000 }, (_, n) => ({ ...occupied, id: `e-${n}`, ref: `r-${n}` }));
      expect((await call('POST', '/v1/events', { events: list })).body).toMatchObject({ accepted: 1_000 });
    });

    test.each([
      ['no events', { events: [] }, 'expected at least 1 event'],
      [
        'a thousand and one',
        { events: Array.from({ length: 1_001 }, () => occupied) },
        'expected at most 1,000 events',
      ],
      ['no list', { events: occupied }, 'expected list'],
      ['nothing', {}, 'is required'],
    ])('refuses %s', async (_, body, reason) => {
      expectProblem(await call('POST', '/v1/events', body), invalid('events', reason));
    });

    test.each(['{"events": [', '', 'null'])('refuses a body that is not a JSON object (%j)', async (body) => {
      const answer = await call('POST', '/v1/events', body);
      expectProblem(answer, {
        status: 400,
        detail: expect.any(String),
        ...(body === 'null' ? { errors: expect.any(Array) } : {}),
      });
    });

    test('reports the position of a JSON error, and nothing of the body', async () => {
      const body = '{ "events": [\n  { "id": "Kowalski" "type": 1 }\n] }';
      const answer = await call('POST', '/v1/events', body);
      expectProblem(answer, { status: 400, detail: 'the body is not JSON (at line 2, column 22)' });
      expect(JSON.stringify(answer.body)).not.toContain('Kowalski');
    });

    test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml'])(
      'refuses %s, however it reads',
      async (type) => {
        const answer = await call('POST', '/v1/events', { events: [occupied] }, { 'content-type': type });
        expectProblem(answer, { status: 415, detail: 'send application/json' });
      },
    );

    test('refuses a body that is too large', async () => {
      const answer = await call('POST', '/v1/events', { events: ['x'.repeat(17 * 1024 * 1024)] });
      expectProblem(answer, { status: 413, detail: 'send fewer events in one request' });
    });
  });

  describe('accounts', () => {
    const { id: _, ...fields } = accountConfig('http://127.0.0.1:9');
    const madrid = {
      ...fields,
      clientSecret: 'top-s3cret',
      notifications: { mode: 'push', apiKey: 'push-s3cret' },
    };

    test('are put, read and deleted, and responses never contain secrets', async () => {
      const answers = [
        await call('PUT', '/v1/accounts/madrid', madrid),
        await call('PUT', '/v1/accounts/madrid', madrid),
        await call('GET', '/v1/accounts/madrid'),
        await call('GET', '/v1/accounts'),
      ];
      expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200]);
      expect(answers[2]?.body).toEqual({
        id: 'madrid',
        baseUrl: 'http://127.0.0.1:9',
        clientId: 'clinic',
        timeZone: 'Europe/Warsaw',
        limits: { writesPerMinute: 40, writesPerHour: 2_400, requestsPerHour: 8_000 },
        notifications: {
          mode: 'push',
          pullEverySeconds: 10,
          header: 'X-Api-Key',
          sweepMinutes: 360,
          maxBytes: 1_048_576,
        },
      });
      expect(answers[3]?.body).toHaveLength(2);
      expect(JSON.stringify(answers)).not.toContain('s3cret');
      expect((await call('DELETE', '/v1/accounts/madrid')).status).toBe(204);
      expectProblem(await call('GET', '/v1/accounts/madrid'), {
        status: 404,
        detail: 'there is no account "madrid"',
      });
      expectProblem(await call('DELETE', '/v1/accounts/madrid'), { status: 404, detail: expect.any(String) });
    });

    test('are not deleted while they have calendars', async () => {
      expectProblem(await call('DELETE', `/v1/accounts/${ACCOUNT}`), {
        status: 409,
        detail: `the account "${ACCOUNT}" still has 1 calendars`,
      });
    });

    test.each([
      ['timeZone', { timeZone: 'Europe/Atlantis' }],
      ['domain', { baseUrl: undefined }],
      ['baseUrl', { baseUrl: 'ftp://somewhere' }],
      ['clientId', { clientId: '' }],
      ['limits.writesPerMinute', { limits: { writesPerMinute: 0 } }],
    ])('are refused with the path %s', async (path, change) => {
      expectProblem(await call('PUT', '/v1/accounts/madrid', { ...fields, ...change }), invalid(path));
    });
  });

  describe('calendars', () => {
    const lis = { account: ACCOUNT, facilityId: 456, doctorId: 12, addressId: 13, bufferAfter: 5 };

    test('are put, read and deleted; numeric ids become strings', async () => {
      expect((await call('PUT', '/v1/calendars/lis', lis)).status).toBe(201);
      expect((await call('PUT', '/v1/calendars/lis', lis)).status).toBe(200);
      const view = {
        ...lis,
        id: 'lis',
        facilityId: '456',
        doctorId: '12',
        addressId: '13',
        strategy: 'slots',
        state: 'active',
        failed: null,
        retrying: null,
        closing: [],
      };
      expect((await call('GET', '/v1/calendars/lis')).body).toEqual({ ...view, marketplace: null });
      const progress = { days: { pending: 0, failed: 0, held: 0 }, publishedAt: null };
      expect((await call('GET', '/v1/calendars')).body).toEqual([
        { ...view, ...progress },
        expect.objectContaining({ id: CALENDAR }),
      ]);
      expect((await call('DELETE', '/v1/calendars/lis?leave=true')).status).toBe(204);
      expectProblem(await call('GET', '/v1/calendars/lis'), {
        status: 404,
        detail: 'there is no calendar "lis"',
      });
    });

    test('are refused without their account, at the address of another calendar, or with an invalid id', async () => {
      expectProblem(await call('PUT', '/v1/calendars/lis', { ...lis, account: 'nobody' }), {
        status: 400,
        errors: [{ path: 'account', reason: 'there is no account "nobody"' }],
      });
      expectProblem(await call('PUT', '/v1/calendars/lis', { ...ADDRESS, account: ACCOUNT }), {
        status: 409,
        detail: `the calendar "${CALENDAR}" is the same facility, doctor and address already`,
      });
      expectProblem(await call('PUT', '/v1/calendars/a%20b', lis), invalid('id'));
      expectProblem(
        await call('PUT', '/v1/calendars/lis', { ...lis, colour: 'red' }),
        invalid('colour', 'is not known here'),
      );
    });
  });

  describe('GET /v1/calendars/{id}/days', () => {
    test('returns the desired and the published availability by day', async () => {
      await call('POST', '/v1/events', { events });
      await settled(engine);
      const { body } = await call('GET', `/v1/calendars/${CALENDAR}/days?from=${date}&to=2026-11-17`);
      expect(body).toEqual([
        {
          date,
          state: 'in-sync',
          windows: [
            {
              start: `${date}T10:00:00+01:00`,
              end: `${date}T11:00:00+01:00`,
              services: [{ id: '123', duration: 10 }],
            },
          ],
          busy: [{ ref: 'apt-77', start: `${date}T10:30:00+01:00`, end: `${date}T10:40:00+01:00` }],
          wanted: put.body.slots,
          published: put.body.slots,
          publishedAt: expect.stringMatching(/^2026-11-09T07:00:00/),
          shown: ['10:00', '10:10', '10:20', '10:40', '10:50'].map((time) => ({
            start: `${date}T${time}:00+01:00`,
            services: ['123'],
          })),
          shownAt: expect.stringMatching(/^2026-11-09T07:00:00/),
          error: null,
        },
        {
          date: '2026-11-17',
          state: 'unknown',
          windows: [],
          busy: [],
          wanted: [],
          published: null,
          publishedAt: null,
          shown: null,
          shownAt: null,
          error: null,
        },
      ]);
    });

    test('returns the reason why a day is not published', async () => {
      sandbox.faults.set([
        {
          fault: { kind: 'status', status: 422, message: 'not commercial' },
          match: { operation: 'replaceSlots' },
        },
      ]);
      await call('POST', '/v1/events', { events });
      await settled(engine);
      const { body } = await call('GET', `/v1/calendars/${CALENDAR}/days?from=${date}&to=${date}`);
      expect(body).toMatchObject([
        { state: 'failed', published: null, error: { reason: expect.stringMatching(/422|not commercial/) } },
      ]);
      expect((await call('GET', `/v1/calendars/${CALENDAR}`)).body.failed).toMatchObject({
        reason: body[0].error.reason,
      });
      expect((await call('GET', '/v1/status')).body).toMatchObject({ pending: 0, failed: 1 });
    });

    test('begins with the clinic’s present date by default, and covers a week', async () => {
      now = Date.parse('2026-11-09T23:30:00Z');
      const { body } = await call('GET', `/v1/calendars/${CALENDAR}/days`);
      expect(body.map((day: { date: string }) => day.date)).toEqual(
        Array.from({ length: 7 }, (_, n) => `2026-11-${String(10 + n).padStart(2, '0')}`),
      );
    });

    test('refuses invalid ranges', async () => {
      const days = `/v1/calendars/${CALENDAR}/days`;
      const to = (reason: string) => ({ status: 400, errors: [{ path: 'to', reason }] });
      expectProblem(await call('GET', `${days}?from=${date}&to=2026-11-15`), to('is before from'));
      expectProblem(
        await call('GET', `${days}?from=${date}&to=2028-11-15`),
        to('is more than 366 days after from'),
      );
      expectProblem(await call('GET', `${days}?from=16.11.2026`), invalid('from'));
      expectProblem(await call('GET', '/v1/calendars/nobody/days'), {
        status: 404,
        detail: 'there is no calendar "nobody"',
      });
      for (const from of ['0001-01-01', '1969-12-31', '9999-12-31']) {
        expect(await call('GET', `${days}?from=${from}&to=${from}`)).toMatchObject({
          status: 400,
          type: PROBLEM,
        });
      }
    });
  });

  test('GET /v1/status counts pending changes and the jobs in the queues', async () => {
    expect((await call('GET', '/v1/status')).body).toEqual({
      takenOnSale: { count: 0, items: [] },
      pending: 0,
      failed: 0,
      goneServices: 0,
      held: 0,
      closing: 0,
      lag: 0,
      conflicts: 0,
      accounts: [
        { account: ACCOUNT, state: 'working', reason: null, since: null, until: null, lastHeard: null },
      ],
      notifications: { undelivered: 0, failed: 0, lag: 0 },
      readiness: { ready: true, database: 'ok', queue: 'ok', publishing: 'ok' },
      queues: {
        'slotkeeper-occupancy': expect.any(Object),
        'slotkeeper-publish': expect.any(Object),
        'slotkeeper-deliveries': expect.any(Object),
      },
    });
    sandbox.faults.set([{ fault: { kind: 'status', status: 503 } }]);
    await call('POST', '/v1/events', { events });
    expect((await call('GET', '/v1/status')).body).toMatchObject({ pending: 1, failed: 0 });
  });

  test('an unknown route is answered with a problem', async () => {
    expectProblem(await call('GET', '/v1/nothing?key=s3cret'), {
      status: 404,
      detail: 'there is no GET /v1/nothing',
    });
    expectProblem(await call('PATCH', '/v1/status'), { status: 404, detail: 'there is no PATCH /v1/status' });
    expect(await call('GET', '/v1/calendars/%ff')).toMatchObject({ status: 400, type: PROBLEM });
  });

  test('an internal error is answered without details', async () => {
    await deleteAllRows(engine.db);
    const broken = Object.create(engine, {
      status: {
        value: async () => {
          throw new Error('the s3cret inside');
        },
      },
    });
    expectProblem(await (await serve(broken))('GET', '/v1/status'), { status: 500 });
  });
});
