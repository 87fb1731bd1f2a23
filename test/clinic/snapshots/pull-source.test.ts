import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { applySnapshot } from '../../../src/clinic/snapshots/apply-snapshot.js';
import { type PullOptions, pullSource } from '../../../src/clinic/snapshots/pull-source.js';
import { type Database, openDatabase } from '../../../src/db/database.js';
import type { Db } from '../../../src/db/schema.js';
import { putAccount, type Source } from '../../../src/db/tables/accounts.js';
import { putCalendar } from '../../../src/db/tables/calendars.js';
import { deleteExpiredStagedSnapshots, saveStagedSnapshot } from '../../../src/db/tables/staged-snapshots.js';
import { deleteAllRows, postgresDatabase } from '../../db/databases.js';
import { account, calendar, ENCRYPTOR, NOW } from '../../db/seed-rows.js';
import { eventually } from '../../support/eventually.js';
import { at, Clinic, DAY, open, START, taken } from './snapshot-fixture.js';

const END = { complete: true };
const snapshot = (id: string, more: object = {}) => ({
  calendar: id,
  from: DAY,
  to: DAY,
  windows: [open(DAY, '10:00', '20:00')],
  occupancy: [taken('new', '12:00', '12:10')],
  ...more,
});
const text = (...lines: readonly unknown[]): string =>
  lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');

describe('a source', () => {
  let database: Database;
  let db: Db;
  let url: string;
  let answer: (request: IncomingMessage, response: ServerResponse) => unknown;
  const server = createServer((request, response) => void answer(request, response));
  const nowak = () => new Clinic(db, 'nowak');
  const lis = () => new Clinic(db, 'lis');

  beforeAll(async () => {
    database = await openDatabase({ url: await postgresDatabase() });
    db = database.db;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/snapshots`;
  });

  /** Two calendars with a window from 8 to 18 and one appointment each. */
  beforeEach(async () => {
    await deleteAllRows(db);
    await putAccount(db, account(), NOW, ENCRYPTOR);
    for (const [doctorId, id] of ['nowak', 'lis'].entries()) {
      await putCalendar(db, calendar({ id, doctorId: `${doctorId}` }), NOW);
      await new Clinic(db, id).available(0, DAY, DAY, [open(DAY)]);
      await new Clinic(db, id).occupied(0, 'old', '09:00', '09:10');
    }
  });

  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await database.close();
  });

  const says = (body: string, headers: Record<string, string> = {}) => {
    answer = (_, response) => response.writeHead(200, headers).end(body);
  };

  const pull = (source: Partial<Source> = {}, options: Partial<PullOptions> = {}) =>
    pullSource(
      { ...account(), source: { type: 'http', url, timeoutSeconds: 60, ...source } },
      {
        db,
        now: () => START + 10_000,
        apply: (id, body, arrival) =>
          applySnapshot(db, id, body, { ...arrival, now: START + 20_000, deletionGuard: { share: 0.5 } }),
        ...options,
      },
    );

  const isWhole = async (clinic: Clinic) => {
    expect(await clinic.taken()).toEqual({ new: '11-16T12:00 11-16T12:10' });
    expect(await clinic.windows()).toEqual(['11-16T10:00 11-16T20:00']);
  };
  const isAdded = async (clinic: Clinic) => {
    expect(Object.keys(await clinic.taken())).toEqual(['old', 'new']);
    expect(await clinic.windows()).toEqual(['11-16T08:00 11-16T18:00', '11-16T18:00 11-16T20:00']);
  };
  const isAsBefore = async (clinic: Clinic) => {
    expect(Object.keys(await clinic.taken())).toEqual(['old']);
    expect(await clinic.windows()).toEqual(['11-16T08:00 11-16T18:00']);
  };
  const nothingIsLeft = async () => {
    expect(await db.selectFrom('slotkeeper.staged_snapshots').selectAll().execute()).toEqual([]);
  };

  const staged = async (): Promise<number> =>
    (await db.selectFrom('slotkeeper.staged_snapshots').select('line').execute()).length;

  test('at a private address that was configured over HTTP is not requested', async () => {
    let isAsked = false;
    answer = (_, response) => {
      isAsked = true;
      response.end();
    };
    const source = { type: 'http', url, timeoutSeconds: 60 } as const;
    const { problems } = await pullSource(
      { ...account(), source, overHttp: true },
      { db, now: () => START, apply: () => Promise.reject(new Error('nothing is taken in')) },
    );
    expect(problems).toEqual([
      { reason: 'is at a private address, and network.allowPrivate does not list it' },
    ]);
    expect(isAsked).toBe(false);
  });

  test('that is complete replaces the state of the calendars that it names', async () => {
    says(text(snapshot('nowak'), snapshot('lis'), END));
    expect(await pull()).toEqual({
      complete: true,
      problems: [],
      unknown: [],
      omitted: [],
      snapshots: 2,
      changedDays: 2,
      occupied: 2,
      released: 2,
      held: [],
    });
    await isWhole(nowak());
    await isWhole(lis());
    await nothingIsLeft();
  });

  test('is requested with its headers, and an event that arrives while it answers is newer', async () => {
    const asked: IncomingMessage[] = [];
    answer = async (request, response) => {
      asked.push(request);
      response.write(text(snapshot('nowak')));
      await nowak().occupied(15, 'meanwhile', '15:00', '15:10');
      response.end(text(END));
    };
    expect(await pull({ headers: { authorization: 'Bearer s3cret' } })).toMatchObject({ complete: true });
    expect(Object.keys(await nowak().taken())).toEqual(['new', 'meanwhile']);
    expect(asked[0]?.headers).toMatchObject({
      authorization: 'Bearer s3cret',
      accept: expect.stringContaining('application/x-ndjson'),
    });
  });

  test('is compared by its own time where it contains one', async () => {
    await nowak().occupied(5, 'after', '15:00', '15:10');
    says(text(snapshot('nowak', { takenAt: at(3) }), END));
    await pull();
    expect(Object.keys(await nowak().taken())).toEqual(['new', 'after']);
  });

  test.each([
    ['has no closing line', text(snapshot('nowak'), snapshot('lis')), [/^ended without the line/]],
    [
      'has a line that is not JSON',
      text(snapshot('nowak'), '{"calendar":', snapshot('lis'), END),
      [/^is not JSON/],
    ],
    [
      'goes on after its end',
      text(snapshot('nowak'), snapshot('lis'), END, snapshot('lis')),
      [/^comes after the line/],
    ],
  ])('that %s adds what can be read, and removes nothing', async (_, body, reasons) => {
    says(body);
    const pulled = await pull();
    expect(pulled).toMatchObject({ complete: false, snapshots: 2, released: 0, held: [] });
    expect(pulled.problems.map(({ reason }) => reason)).toEqual(
      reasons.map((reason) => expect.stringMatching(reason)),
    );
    await isAdded(nowak());
    await isAdded(lis());
    await nothingIsLeft();
  });

  test.each([
    ['is no snapshot', { calendar: 'lis' }, 2, /^from: is required/],
    ['misspells that it is whole', snapshot('lis', { complte: true }), 2, /^complte: unknown key "complte"/],
    ['is of another day and cannot be read', snapshot('lis', { to: '2026-11-15' }), 2, /^to: must not be/],
    [
      'has an appointment that cannot be read',
      snapshot('lis', { occupancy: [taken('x', '10:00', '09:00'), taken('new', '12:00', '12:10')] }),
      3,
      /^occupancy\[0\]\.end: is not after the start$/,
    ],
  ])(
    'with a line that %s costs its calendar what would be removed, and no other',
    async (_, line, snapshots, reason) => {
      for (const lines of [
        [snapshot('nowak'), line, snapshot('lis')],
        [snapshot('lis'), snapshot('nowak'), line],
      ]) {
        says(text(...lines, END));
        const pulled = await pull();
        expect(pulled).toMatchObject({ complete: false, snapshots });
        expect(pulled.problems).toEqual([
          { line: lines.indexOf(line) + 1, reason: expect.stringMatching(reason) },
        ]);
        await isWhole(nowak());
        await isAdded(lis());
      }
    },
  );

  test('whose lines contain their times may answer slowly', async () => {
    const minutes = (n: number) => START + n * 60_000;
    let asked = 0;
    // It is asked, then read: its second line is twelve minutes later.
    const now = () => minutes([0, 0, 12][asked++] ?? 12);
    const lines = ['nowak', 'lis'].map((id, n) =>
      snapshot(id, { takenAt: new Date(minutes(n * 12)).toISOString() }),
    );
    says(text(...lines, END));
    const apply: PullOptions['apply'] = (id, body, arrival) =>
      applySnapshot(db, id, body, { ...arrival, now: minutes(13), deletionGuard: undefined });
    expect(await pull({}, { now, apply })).toMatchObject({ complete: true, problems: [], released: 2 });
    says(text(snapshot('nowak', { takenAt: new Date(minutes(18)).toISOString() }), END));
    expect(await pull({}, { now: () => minutes(12), apply })).toMatchObject({
      complete: false,
      problems: [{ line: 1, reason: 'takenAt: lies in the future' }],
    });
  });

  test('reports the number of an invalid line', async () => {
    says(text(snapshot('nowak'), 'oops', END));
    expect((await pull()).problems).toEqual([{ line: 2, reason: 'is not JSON (at column 1)' }]);
  });

  test('whose connection breaks in the middle of a line adds the whole lines', async () => {
    answer = async (_, response) => {
      response.write(text(snapshot('nowak')));
      response.write('{"calendar":"lis","from":');
      await eventually(async () => (await staged()) === 1);
      response.destroy();
    };
    expect(await pull()).toMatchObject({
      complete: false,
      snapshots: 1,
      problems: [{ reason: expect.stringMatching(/^broke off/) }],
    });
    await isAdded(nowak());
    await isAsBefore(lis());
  });

  test.each([
    [
      '500',
      (response: ServerResponse) => response.writeHead(500).end(text(snapshot('nowak'), END)),
      /^answered 500$/,
    ],
    ['204', (response: ServerResponse) => response.writeHead(204).end(), /^answered 204$/],
    [
      'a redirect',
      (response: ServerResponse) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      /^answered 302$/,
    ],
    [
      'a page',
      (response: ServerResponse) =>
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>log in</html>'),
      /^answered with HTML$/,
    ],
    [
      'a page that does not say so',
      (response: ServerResponse) => response.writeHead(200).end('<html>\n<body>'),
      /^is not JSON \(at column 1\)$/,
    ],
    ['nothing', (response: ServerResponse) => response.writeHead(200).end(), /^ended without the line/],
    [
      'too late',
      (response: ServerResponse) => response.writeHead(200).write('\n'),
      /^took longer than 0.2 s$/,
    ],
    ['by hanging up', (response: ServerResponse) => response.destroy(), /^broke off/],
  ])('that answers %s changes nothing, and the reason is told', async (what, respond, reason) => {
    answer = (__, response) => respond(response);
    const pulled = await pull({
      timeoutSeconds: what === 'too late' ? 0.2 : 60,
      headers: { 'x-key': 's3cret' },
    });
    expect(pulled).toMatchObject({ complete: false, snapshots: 0 });
    expect(pulled.problems[0]?.reason).toMatch(reason);
    expect(JSON.stringify(pulled)).not.toMatch(/s3cret|127\.0\.0\.1/);
    await isAsBefore(nowak());
  });

  test('skips calendars of other accounts, without losing the rest', async () => {
    await putAccount(db, account({ id: 'madrid' }), NOW, ENCRYPTOR);
    await putCalendar(db, calendar({ id: 'ruiz', account: 'madrid' }), NOW);
    says(text(snapshot('ruiz'), snapshot('nobody'), snapshot('nowak'), END));
    expect(await pull()).toMatchObject({
      complete: true,
      snapshots: 1,
      problems: [],
      unknown: ['nobody'],
      omitted: ['lis'],
    });
    await isWhole(nowak());
    expect(await new Clinic(db, 'ruiz').taken()).toEqual({});
  });

  test('names the first of many unknown calendars', async () => {
    const ids = Array.from({ length: 13 }, (_, n) => `c${n}`);
    says(text(...ids.map((id) => snapshot(id)), END));
    expect(await pull()).toMatchObject({ complete: true, problems: [], unknown: ids.slice(0, 10) });
  });

  test('is held where it would delete too much', async () => {
    says(text(snapshot('nowak', { windows: [] }), END));
    const pulled = await pull();
    expect(pulled).toMatchObject({ complete: true, held: [expect.any(String)] });
    expect(await nowak().windows()).toEqual(['11-16T08:00 11-16T18:00']);
  });

  test('with an incomplete snapshot removes nothing of its calendar', async () => {
    says(text(snapshot('nowak', { complete: false }), snapshot('lis'), END));
    expect(await pull()).toMatchObject({ complete: true, released: 1 });
    await isAdded(nowak());
    await isWhole(lis());
  });

  test('that is aborted applies nothing', async () => {
    const stop = new AbortController();
    answer = async (_, response) => {
      response.write(text(snapshot('nowak')));
      await eventually(async () => (await staged()) === 1);
      stop.abort();
    };
    expect(await pull({}, { signal: stop.signal })).toMatchObject({
      complete: false,
      snapshots: 0,
      problems: [{ reason: 'was given up' }],
    });
    await isAsBefore(nowak());
    await nothingIsLeft();
  });

  test('that is read by two concurrent pulls is complete for both', async () => {
    let go: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => {
      go = resolve;
    });
    let began: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      began = resolve;
    });
    answer = async (_, response) => {
      response.write(text(snapshot('nowak'), snapshot('lis')));
      began();
      await waiting;
      response.end(text(END));
    };
    const slow = pull();
    await begun;
    await eventually(async () => (await staged()) === 2);
    says(text(snapshot('nowak'), END));
    expect(await pull()).toMatchObject({ complete: true, snapshots: 1, problems: [] });
    go();
    expect(await slow).toMatchObject({ complete: true, snapshots: 2, problems: [] });
    await isWhole(lis());
    await nothingIsLeft();
  });

  test('whose staged lines are gone before they are applied reports it', async () => {
    says(text(snapshot('nowak'), snapshot('lis'), END));
    const pulled = await pull(
      {},
      {
        apply: async (id, body, arrival) => {
          await db.deleteFrom('slotkeeper.staged_snapshots').execute();
          return await applySnapshot(db, id, body, {
            ...arrival,
            now: START + 20_000,
            deletionGuard: undefined,
          });
        },
      },
    );
    expect(pulled).toMatchObject({
      snapshots: 1,
      problems: [{ reason: 'only 1 of its 2 snapshots were applied' }],
    });
  });

  test('whose pull never ended leaves lines that expire', async () => {
    await saveStagedSnapshot(db, 'crashed', 'warsaw', 1, { calendar: 'nowak' }, new Date(START));
    says(text(snapshot('nowak'), END));
    await pull();
    expect(await staged()).toBe(1);
    await deleteExpiredStagedSnapshots(db, new Date(START));
    expect(await staged()).toBe(1);
    await deleteExpiredStagedSnapshots(db, new Date(START + 1));
    expect(await staged()).toBe(0);
  });
});
