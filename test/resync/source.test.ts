// A clinic's own system is asked before its calendars are compared; what it cuts off takes nothing away.

import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Slotkeeper } from '../../src/engine.js';
import { createLog } from '../../src/lib/log.js';
import { ENCRYPTION_KEY, postgresDatabase } from '../db/databases.js';
import { addressOf, ClinicFixture, ZONE } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { atEndOfTest } from '../support/release.js';
import { resync, untilFinished } from './resync-fixture.js';

describe('with a source, a resync', () => {
  let fixture: ClinicFixture;
  let url: string;
  let asked = 0;
  let answer: (response: ServerResponse) => unknown = (response) => response.end();

  beforeAll(async () => {
    const server = createServer((_, response) => {
      asked += 1;
      void answer(response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    atEndOfTest(async () => {
      server.closeAllConnections();
      server.close();
    });
    fixture = await ClinicFixture.open({ still: true });
    await fixture.open();
    await fixture.book('apt-1', '10:00', '10:20');
    await fixture.untilAtRest();
    const { port } = server.address() as AddressInfo;
    url = `http://127.0.0.1:${port}/night`;
    await fixture.engine.putAccount({
      ...(await fixture.account()),
      source: { type: 'http', url, headers: {}, timeoutSeconds: 60 },
    });
  });

  const END = { complete: true };
  const night = (...refs: readonly (readonly [string, string, string])[]) => ({
    calendar: 'nowak',
    from: fixture.date,
    to: fixture.date,
    complete: true,
    windows: [
      { start: fixture.at('10:00'), end: fixture.at('11:00'), services: [{ id: 'visit', duration: 20 }] },
    ],
    occupancy: refs.map(([ref, start, end]) => ({ ref, start: fixture.at(start), end: fixture.at(end) })),
  });
  const text = (...lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

  test('that was truncated deletes nothing, and reports it', async () => {
    answer = async (response) => {
      await new Promise((resolve) => response.write(text(night()), resolve));
      response.destroy();
    };
    const report = await resync(fixture);
    expect(report).toMatchObject({
      state: 'done',
      daysCompared: 1,
      differences: { missing: 0, extra: 0 },
      failures: [{ account: 'many', reason: expect.stringMatching(/^broke off/) }],
    });
    expect(fixture.shown()).toEqual(['10:20', '10:40']);
  });

  test('fetches it first: lost events are published, and nothing differs after that', async () => {
    answer = (response) => response.end(text(night(['apt-2', '10:40', '11:00']), END));
    const before = asked;
    const report = await resync(fixture);
    expect(report).toMatchObject({ state: 'done', daysCompared: 1, failures: [] });
    expect(asked - before).toBe(1);
    await fixture.untilAtRest();
    expect(fixture.shown()).toEqual(['10:00', '10:20']);
    const known = fixture.sandbox.requests.findLast(({ operation }) => operation === 'replaceSlots')?.n ?? 0;
    const compared =
      fixture.sandbox.requests.findLast(({ operation }) => operation === 'getBookings')?.n ?? 0;
    expect(compared).toBeGreaterThan(known);
  });

  test('reports calendars that are unknown, and compares the others', async () => {
    const nobody = { ...night(), calendar: 'nobody' };
    answer = (response) => response.end(text(nobody, night(['apt-2', '10:40', '11:00']), END));
    expect(await resync(fixture)).toMatchObject({
      state: 'done',
      daysCompared: 1,
      failures: [],
      sources: [{ account: 'many', unknown: ['nobody'], omitted: [] }],
    });
  });

  test('leaves a calendar that the source omits unchanged, and the report names it', async () => {
    answer = (response) => response.end(text(END));
    const before = fixture.shown();
    expect(await resync(fixture)).toMatchObject({
      state: 'done',
      failures: [],
      sources: [{ account: 'many', unknown: [], omitted: ['nowak'] }],
    });
    expect(fixture.shown()).toEqual(before);
    answer = (response) => response.end(text(night(['apt-2', '10:40', '11:00']), END));
    expect(await resync(fixture)).toMatchObject({ failures: [], sources: [] });
  });

  test('with dryRun does not fetch it', async () => {
    const before = asked;
    await resync(fixture, { dryRun: true });
    expect(asked).toBe(before);
  });

  test('joins one that is fetching it', async () => {
    let go: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => {
      go = resolve;
    });
    answer = async (response) => {
      await waiting;
      response.end(text(night(['apt-2', '10:40', '11:00']), END));
    };
    const before = asked;
    const { id } = await fixture.engine.resyncs.begin({});
    await eventually(() => asked > before);
    expect(await fixture.engine.resyncs.begin({})).toEqual({ id });
    expect(await fixture.engine.resyncs.begin({ calendars: ['nowak'] })).toEqual({ id });
    go();
    expect(await untilFinished(fixture, id)).toMatchObject({ state: 'done', failures: [] });
    expect(asked - before).toBe(1);
  });

  test('that waits for a clinic delays no other', async () => {
    const both = await ClinicFixture.open({ still: true, calendars: ['nowak', 'lis', 'alone'] });
    await both.engine.putAccount({
      ...(await both.account()),
      source: { type: 'http', url, headers: {}, timeoutSeconds: 60 },
    });
    const hanging: ServerResponse[] = [];
    answer = (response) => hanging.push(response);
    const waiting = [];
    for (const id of ['nowak', 'lis'])
      waiting.push((await both.engine.resyncs.begin({ calendars: [id] })).id);
    await eventually(() => hanging.length === 2);
    // The others are in hand all the while, so it is no rest that is waited for.
    const report = await resync({ engine: both.engine }, { calendars: ['alone'] });
    expect(report).toMatchObject({ state: 'done', calendars: 1 });
    for (const id of waiting)
      expect(await both.engine.resyncs.report(id)).toMatchObject({ state: 'running' });
    for (const response of hanging) response.end(text(END));
    for (const id of waiting)
      expect(await untilFinished(both, id)).toMatchObject({ state: 'done', failures: [] });
  });

  test('fetches several sources at once, and reports their failures in order', async () => {
    const three = await ClinicFixture.open({ still: true, calendars: ['nowak', 'alone'] });
    const many = await three.account();
    const hanging: ServerResponse[] = [];
    answer = (response) => hanging.push(response);
    for (const id of ['many', 'alone']) {
      const source = { type: 'http', url, headers: {}, timeoutSeconds: 60 } as const;
      await three.engine.putAccount({ ...many, id, clientId: id, source });
    }
    const { id } = await three.engine.resyncs.begin({});
    await eventually(() => hanging.length === 2);
    for (const response of hanging) response.end(text(night()));
    expect((await untilFinished(three, id)).failures).toMatchObject([
      { account: 'alone', reason: expect.stringContaining('ended without the line') },
      { account: 'many', reason: expect.stringContaining('ended without the line') },
    ]);
  });

  test('that is stopped while it fetches is continued: the next process fetches again', async () => {
    const { baseUrl } = await fixture.account();
    const databaseUrl = await postgresDatabase();
    const source = { type: 'http', url } as const;
    const account = { id: 'many', baseUrl, clientId: 'many', clientSecret: 'secret', timeZone: ZONE, source };
    const start = async (): Promise<Slotkeeper> => {
      const engine = new Slotkeeper({
        databaseUrl,
        encryptionKey: ENCRYPTION_KEY,
        log: createLog('silent'),
        config: {
          accounts: [account],
          calendars: [{ id: 'nowak', account: 'many', ...addressOf('lis') }],
          publish: { debounceMs: 0, sweepSeconds: 0.2, lockMs: 10_000 },
        },
      });
      atEndOfTest(() => engine.stop());
      await engine.start();
      return engine;
    };
    answer = (response) => response.write(text(night()));
    const before = asked;
    const first = await start();
    const { id } = await first.resyncs.begin({});
    await eventually(() => asked > before);
    await first.stop();

    answer = (response) => response.end(text(night(['apt-3', '10:20', '10:40']), END));
    const next = await start();
    expect(await untilFinished({ engine: next }, id)).toMatchObject({ state: 'done', failures: [] });
    expect(asked - before).toBe(2);
    expect(await next.days('nowak', fixture.date, fixture.date)).toMatchObject([
      { busy: [{ ref: 'apt-3' }] },
    ]);
    await next.stop();
  });
});
