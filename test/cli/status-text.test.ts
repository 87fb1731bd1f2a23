import { describe, expect, test } from '@jest/globals';
import { describeStatus, needsPerson } from '../../src/cli/status-text.js';
import type { Status } from '../../src/monitoring/status.js';

const NOW = Date.parse('2026-11-30T10:00:00Z');
const QUEUE = { waiting: 0, prioritized: 0, active: 0, delayed: 0, failed: 0 };
const WORKING = { account: 'warsaw', state: 'working', reason: null, since: null, until: null } as const;

const status = (what: Partial<Status> = {}): Status => ({
  takenOnSale: { count: 0, items: [] },
  pending: 0,
  failed: 0,
  goneServices: 0,
  held: 0,
  closing: 0,
  lag: 0,
  conflicts: 0,
  accounts: [{ ...WORKING, lastHeard: '2026-11-30T09:59:00.000Z' }],
  notifications: { undelivered: 0, failed: 0, lag: 0 },
  readiness: { ready: true, database: 'ok', queue: 'ok', publishing: 'ok' },
  queues: { 'slotkeeper-occupancy': QUEUE, 'slotkeeper-publish': { ...QUEUE, delayed: 12 } },
  ...what,
});

const onSale = (n: number): Status['takenOnSale'] => ({
  count: n,
  items: Array.from({ length: n }, (_, i) => ({
    calendar: i === 0 ? 'nowak' : 'kowalska-2',
    date: '2026-12-01',
    start: '2026-12-01T10:30:00+01:00',
    end: '2026-12-01T10:40:00+01:00',
    since: null,
    reason: 'answered 400',
  })),
});

const conflict = {
  id: 'cnf_1',
  calendar: 'nowak',
  booking: '1001',
  ref: 'apt-77',
  start: '2026-12-01T23:30:00+01:00',
  end: '2026-12-02T00:10:00+01:00',
  since: '2026-11-30T09:00:00.000Z',
};

const text = (what: Partial<Status> = {}, conflicts = [conflict]): string =>
  describeStatus(status(what), conflicts, { colour: false, now: NOW });

describe('the text of the status', () => {
  test('contains one line when everything is published, and aligns the queues', () => {
    expect(text()).toBe(
      [
        'everything is published',
        '',
        'queue                 waiting  prioritized  active  delayed  failed',
        'slotkeeper-occupancy  0        0            0       0        0',
        'slotkeeper-publish    0        0            0       12       0',
        '',
      ].join('\n'),
    );
  });

  test('begins with the most urgent section, each with its next command', () => {
    const refused = {
      account: 'berlin',
      state: 'refused',
      reason: 'token (POST /oauth/v2/token) was refused',
      since: '2026-11-30T08:00:00.000Z',
      until: null,
      lastHeard: null,
    } as const;
    const all = text({
      takenOnSale: onSale(2),
      conflicts: 1,
      failed: 1,
      goneServices: 2,
      held: 3,
      pending: 1,
      lag: 200_000,
      accounts: [refused],
      notifications: { undelivered: 2, failed: 0, lag: 3_000 },
    });
    expect(all.slice(0, all.indexOf('\n\n')).split('\n')).toEqual([
      '2 busy times are ON SALE and cannot be closed',
      '  nowak       2026-12-01 10:30 to 10:40  answered 400',
      '  kowalska-2  2026-12-01 10:30 to 10:40  answered 400',
      '  → slotkeeper failed list, then close the time manually in the marketplace',
      '1 time is sold twice',
      '  nowak  2026-12-01 23:30 to 2026-12-02 00:10  booking 1001 and appointment apt-77',
      '  → slotkeeper booking move nowak 1001 --start INSTANT, or cancel; link if both are the same appointment',
      '1 change could not be published',
      '2 services no longer exist at their addresses',
      '  → slotkeeper failed list',
      '3 days have a held change that a person must approve',
      '  → slotkeeper held list',
      'account berlin is refused since 2026-11-30T08:00:00.000Z: nothing is published for it',
      '  token (POST /oauth/v2/token) was refused',
      '  → correct its clientId, clientSecret or baseUrl, then slotkeeper failed retry account/berlin',
      'the PMS of account berlin has sent nothing yet',
      '1 change waits to be published, the oldest for 3 min',
      '2 notifications wait to be delivered, the oldest for 3 s',
      '  → slotkeeper failed list shows the reason; slotkeeper failed retry --all retries at once',
    ]);
  });

  test('lists ten items, and the number of others', () => {
    const lines = text({ takenOnSale: { ...onSale(12), count: 1_500 } }).split('\n');
    expect(lines.filter((line) => line.includes('answered 400'))).toHaveLength(10);
    expect(lines).toContain('  and 1490 more');
  });

  test('contains the time since which a PMS has sent nothing', () => {
    const quiet = { ...WORKING, lastHeard: '2026-11-28T17:00:00.000Z' };
    expect(text({ accounts: [quiet] })).toContain(
      'the PMS of account warsaw has sent nothing since 2026-11-28T17:00:00.000Z\n',
    );
  });

  test('has colours only where they are requested', () => {
    const coloured = describeStatus(status({ takenOnSale: onSale(1) }), [], { colour: true, now: NOW });
    expect(coloured).toContain('\u001b[31m1 busy time is ON SALE and cannot be closed\u001b[39m');
    expect(text({ takenOnSale: onSale(1) })).not.toContain('\u001b');
  });
});

describe('a person is needed', () => {
  test.each<[string, Partial<Status>]>([
    ['busy time is on sale', { takenOnSale: onSale(1) }],
    ['a time is sold twice', { conflicts: 1 }],
    ['a change failed', { failed: 1 }],
    ['a service no longer exists', { goneServices: 1 }],
    ['a day is held', { held: 1 }],
    ['an account is refused', { accounts: [{ ...WORKING, state: 'refused', lastHeard: null }] }],
    ['a notification failed', { notifications: { undelivered: 0, failed: 1, lag: 0 } }],
    ['an event was refused', { queues: { 'slotkeeper-occupancy': { ...QUEUE, failed: 1 } } }],
  ])('where %s', (_, what) => expect(needsPerson(status(what))).toBe(true));

  test.each<[string, Partial<Status>]>([
    ['nothing is wrong', {}],
    ['changes wait', { pending: 3, lag: 9_000, closing: 1 }],
    ['the firewall paused an account', { accounts: [{ ...WORKING, state: 'paused', lastHeard: null }] }],
    ['notifications wait', { notifications: { undelivered: 3, failed: 0, lag: 5_000 } }],
  ])('not where %s', (_, what) => expect(needsPerson(status(what))).toBe(false));
});

test('the text of the status reports a queue that accepts no jobs', () => {
  const readiness = { ready: true, database: 'ok', queue: 'out-of-memory', publishing: 'ok' } as const;
  expect(describeStatus(status({ readiness }), [], { colour: false, now: NOW })).toContain(
    'the queue accepts no jobs (out-of-memory): nothing is published meanwhile',
  );
});
