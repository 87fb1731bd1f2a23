// An account of which the marketplace accepts nothing: it is named, and holds no other up.
import { expect, test } from '@jest/globals';
import { ClinicFixture } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { resync, untilFinished } from './resync-fixture.js';

const REFUSED = 'was refused: the token or the credentials are not accepted';

/** Two accounts, of which the marketplace takes away the credentials of `alone`. */
async function withRefused(): Promise<ClinicFixture> {
  const fixture = await ClinicFixture.open({ still: true, calendars: ['nowak', 'alone'] });
  await fixture.open('nowak');
  await fixture.open('alone');
  await fixture.untilAtRest();
  fixture.sandbox.setEstate(undefined, [{ id: 'many', secret: 'secret' }]);
  fixture.sandbox.revokeTokens();
  return fixture;
}

test('a resync finishes without the calendars of a refused account, and names it while it waits', async () => {
  const fixture = await withRefused();
  const { id } = await fixture.engine.resyncs.begin({});
  await fixture.until(async () => (await fixture.engine.resyncs.report(id))?.calendarsDone === 1);
  await fixture.until(async () => (await fixture.engine.status()).accounts[0]?.state === 'refused');
  expect(await fixture.engine.resyncs.report(id)).toMatchObject({
    state: 'running',
    waiting: [{ account: 'alone', calendars: 1, reason: expect.stringContaining(REFUSED) }],
  });
  const report = await untilFinished(fixture, id);
  expect(report).toMatchObject({
    state: 'done',
    calendarsDone: 2,
    waiting: [],
    failures: [
      { calendar: 'alone', reason: expect.stringMatching(/^the marketplace refuses the account alone: /) },
    ],
  });
  expect(report.durationMs).toBeLessThan(5 * 60_000);
});

test('a resync finds a refused account without a comparison', async () => {
  const fixture = await ClinicFixture.open({ still: true, calendars: ['alone'] });
  fixture.sandbox.setEstate(undefined, [{ id: 'many', secret: 'secret' }]);
  await fixture.engine.resyncs.begin({});
  await fixture.until(async () => (await fixture.engine.status()).accounts[0]?.state === 'refused');
});

test('a dry run names a refused account and continues', async () => {
  const fixture = await withRefused();
  expect(await fixture.engine.resyncs.dryRun({})).toMatchObject({
    state: 'done',
    calendarsDone: 2,
    failures: [{ calendar: 'alone', reason: expect.stringContaining(REFUSED) }],
  });
});

test('the status names a refused account until its credentials are accepted, and then a resync compares it', async () => {
  const fixture = await withRefused();
  await fixture.book('apt-1', '10:20', '10:40', 'alone');
  await fixture.until(async () => (await fixture.engine.status()).accounts[0]?.state === 'refused');
  const { accounts } = await fixture.engine.status();
  expect(accounts).toMatchObject([
    {
      account: 'alone',
      state: 'refused',
      reason: expect.stringContaining(REFUSED),
      since: expect.any(String),
    },
    { account: 'many', state: 'working', reason: null, since: null, until: null },
  ]);
  fixture.sandbox.setEstate(undefined, [
    { id: 'many', secret: 'secret' },
    { id: 'alone', secret: 'secret' },
  ]);
  await fixture.untilAtRest();
  expect((await fixture.engine.status()).accounts).toMatchObject([
    { state: 'working' },
    { state: 'working' },
  ]);
  expect(await resync(fixture)).toMatchObject({ state: 'done', calendarsDone: 2, failures: [] });
});

test('the status has the time of the last event of each account', async () => {
  const fixture = await ClinicFixture.open({ still: true, calendars: ['nowak', 'alone'] });
  await fixture.open('nowak');
  const [alone, many] = (await fixture.engine.status()).accounts;
  expect(alone?.lastHeard).toBeNull();
  expect(Date.parse(many?.lastHeard ?? '')).toBe(fixture.engine.now());
});

test('a refused account is retried at once on request, and is then no failure', async () => {
  const fixture = await withRefused();
  await fixture.book('apt-1', '10:20', '10:40', 'alone');
  const { failures } = fixture.engine;
  await fixture.until(async () => (await failures.list()).length > 0);
  const [refused] = await failures.list();
  expect(refused).toEqual({
    kind: 'account',
    id: 'account/alone',
    account: 'alone',
    reason: expect.stringContaining(REFUSED),
    since: expect.stringMatching(/Z$/),
  });
  expect(await failures.settle('drop', ['account/alone'])).toEqual({ done: 0, unknown: ['account/alone'] });
  fixture.sandbox.setEstate(undefined, [
    { id: 'many', secret: 'secret' },
    { id: 'alone', secret: 'secret' },
  ]);
  const before = fixture.engine.now();
  expect(await failures.settle('retry', ['account/alone', 'account/many'])).toEqual({
    done: 1,
    unknown: ['account/many'],
  });
  // No time passes.
  await eventually(() => !fixture.shown('alone').includes('10:20'));
  expect(fixture.engine.now()).toBe(before);
  await fixture.untilAtRest();
  expect(await failures.list()).toEqual([]);
});
