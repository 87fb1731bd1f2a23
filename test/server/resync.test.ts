import { beforeAll, describe, expect, test } from '@jest/globals';
import { beginResync } from '../../src/db/tables/resyncs.js';
import { ClinicFixture } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { type Caller, serve } from './served.js';

describe('/v1/resync', () => {
  let fixture: ClinicFixture;
  let call: Caller;

  beforeAll(async () => {
    fixture = await ClinicFixture.open({ calendars: ['nowak', 'lis'] });
    call = await serve(fixture.engine);
    await fixture.open();
    await fixture.untilAtRest();
  });

  const over = async (id: string) =>
    await eventually(async () => {
      const { body } = await call('GET', `/v1/resync/${id}`);
      return body.finishedAt === null ? undefined : body;
    });

  test('begins a resync, and reports it', async () => {
    const begun = await call('POST', '/v1/resync', {});
    expect(begun).toMatchObject({ status: 202, body: { id: expect.stringMatching(/^rsy_/) } });
    expect(await over(begun.body.id)).toEqual({
      id: begun.body.id,
      state: 'done',
      dryRun: false,
      calendars: 2,
      calendarsDone: 2,
      daysCompared: 1,
      differences: { missing: 0, extra: 0, stale: 0, foreign: 0 },
      // The services of both addresses, and the slots and bookings of the one with days.
      reads: 6,
      writes: 0,
      startedAt: expect.any(String),
      finishedAt: expect.any(String),
      durationMs: expect.any(Number),
      failures: [],
      waiting: [],
      sources: [],
      days: [],
    });
  });

  test('begins a resync without a body, and a dry run of some calendars', async () => {
    const all = await call('POST', '/v1/resync');
    expect(all.status).toBe(202);
    expect(await over(all.body.id)).toMatchObject({ calendars: 2, dryRun: false });
    const some = await call('POST', '/v1/resync', { calendars: ['nowak'], dryRun: true });
    expect(await over(some.body.id)).toMatchObject({ calendars: 1, dryRun: true });
  });

  test('lists resyncs, the latest first, the nightly ones with their account', async () => {
    const { body: asked } = await call('POST', '/v1/resync', { calendars: ['lis'] });
    await over(asked.id);
    const night = await beginResync(
      fixture.engine.db,
      { account: 'many', dryRun: false },
      new Date(Date.now() + 1_000),
    );
    const { status, body } = await call('GET', '/v1/resync');
    expect(status).toBe(200);
    expect(body.resyncs.slice(0, 2)).toEqual([
      {
        id: night,
        account: 'many',
        dryRun: false,
        state: 'running',
        startedAt: expect.any(String),
        finishedAt: null,
      },
      {
        id: asked.id,
        account: null,
        dryRun: false,
        state: 'done',
        startedAt: expect.any(String),
        finishedAt: expect.any(String),
      },
    ]);
  });

  test.each<[string, unknown, string]>([
    ['calendars that there are not', { calendars: ['nowak', 'nobody'] }, 'calendars'],
    ['no calendars', { calendars: [] }, 'calendars'],
    ['what is no list', { calendars: 'nowak' }, 'calendars'],
    ['what is neither yes nor no', { dryRun: 'yes' }, 'dryRun'],
    ['what is not known', { calendar: 'nowak' }, 'calendar'],
  ])('refuses %s with the path', async (_, body, path) => {
    const { status, type, body: problem } = await call('POST', '/v1/resync', body);
    expect({ status, type }).toEqual({
      status: 400,
      type: expect.stringContaining('application/problem+json'),
    });
    expect(problem.errors).toMatchObject([{ path, reason: expect.any(String) }]);
  });

  test('answers 404 for an unknown resync, and 401 without the key', async () => {
    expect(await call('GET', '/v1/resync/rsy_none')).toMatchObject({
      status: 404,
      type: expect.stringContaining('application/problem+json'),
    });
    for (const [method, path] of [
      ['GET', '/v1/resync/rsy_none'],
      ['POST', '/v1/resync'],
    ] as const) {
      expect(await call(method, path, undefined, { authorization: 'Bearer another' })).toMatchObject({
        status: 401,
      });
    }
  });
});
