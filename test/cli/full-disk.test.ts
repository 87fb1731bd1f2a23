// A disk of the embedded database that becomes full: see test/support/small-disk-preload.mjs.
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { embeddedFolder } from '../db/databases.js';
import { CALENDAR, upcomingExample } from '../engine/founding-example.js';
import { eventually } from '../support/eventually.js';
import { type RunningProcess, startSlotkeeper } from '../support/process.js';
import { type SmallDisk, smallDisk } from '../support/small-disk.js';
import { tempDir } from '../support/temp-dir.js';
import { type Clinic, clinicAt, type Running } from './clinic.js';

// Each test starts several processes, which takes long on a busy machine.
jest.setTimeout(300_000);

const LONG = { within: 120_000 };
const MB = 2 ** 20;
const ACCOUNT = 'pushing';
const KEY = 'key-of-the-marketplace';
const [available] = upcomingExample().events;

/** Pushes 2.7 MB that cannot be parsed and are stored nevertheless. @returns the status of the response, if there is one */
async function push({ call }: Running, name: string): Promise<number | undefined> {
  const answer = await fetch(`${call.url}/v1/accounts/${ACCOUNT}/notifications`, {
    method: 'POST',
    headers: { 'x-api-key': KEY },
    body: JSON.stringify({ name, data: randomBytes(1_350_000).toString('hex') }),
  }).catch(() => undefined);
  return answer?.status;
}

/** The names of the stored notifications. */
async function kept({ call }: Running): Promise<string[]> {
  const names: string[] = [];
  for (let after = ''; ; ) {
    const { status, body } = await call('GET', `/v1/notifications?limit=1${after}`);
    expect(status).toBe(200);
    if (body.items.length === 0) return names;
    names.push(...body.items.map(({ name }: { name: string }) => name));
    after = `&after=${body.next}`;
  }
}

async function putAccount({ sandbox }: Clinic, { call }: Running): Promise<number | undefined> {
  const notifications = { mode: 'push', apiKey: KEY, maxBytes: 16 * MB };
  const account = {
    baseUrl: sandbox.url,
    clientId: 'c',
    clientSecret: 's',
    timeZone: 'UTC',
    notifications,
  };
  const answer = await call('PUT', `/v1/accounts/${ACCOUNT}`, account).catch(() => undefined);
  return answer?.status;
}

const startOn = (clinic: Clinic, disk: SmallDisk): Promise<RunningProcess> =>
  startSlotkeeper(['start'], { cwd: clinic.folder, env: { ...clinic.env, ...disk.env } });

describe('slotkeeper start on a disk that becomes full', () => {
  test('refuses new data, continues to read, exits with the reason when nothing can be written, and loses nothing', async () => {
    const disk = await smallDisk({ free: 400 * MB });
    const clinic = await clinicAt({ data: await embeddedFolder() });
    const acknowledged: string[] = [];
    let running = await clinic.start(disk.env);
    expect(await putAccount(clinic, running)).toBe(201);
    for (const round of [1, 2]) {
      disk.set({ free: 64 * MB });
      const before = acknowledged.length;
      for (let n = 0; ; n += 1) {
        const status = await push(running, `said ${round}.${n}`);
        expect([200, 503]).toContain(status);
        if (status === 503) break;
        acknowledged.push(`said ${round}.${n}`);
      }
      expect(acknowledged.length).toBeGreaterThan(before);

      const { call } = running;
      disk.set({ free: 31 * MB });
      const refused = await call('POST', '/v1/events', { events: [available] });
      expect(refused).toMatchObject({ status: 503, type: 'application/problem+json; charset=utf-8' });
      expect(refused.body.detail).toBe('the disk is nearly full; nothing of this request was stored');
      const dates = { from: available.from, to: available.to };
      const snapshot = { ...dates, complete: true, windows: [], occupancy: [] };
      expect((await call('PUT', `/v1/calendars/${CALENDAR}/snapshot`, snapshot)).status).toBe(503);
      expect((await call('GET', '/healthz')).status).toBe(200);
      expect((await call('GET', '/v1/status')).status).toBe(200);
      expect(await kept(running)).toEqual(acknowledged);

      disk.set({ free: 200 * MB });
      expect(await push(running, `said ${round} again`)).toBe(200);
      acknowledged.push(`said ${round} again`);

      // Nothing can be written any more.
      disk.set({ free: 0, copies: true });
      const { process } = running;
      await eventually(async () => {
        if (process.running) await push(running, 'unsaid');
        return !process.running;
      }, LONG);
      expect(await process.exited).toEqual({ code: 1, signal: null });
      expect(process.stderr).toMatch(
        /\nslotkeeper: the embedded database in .* cannot be used: .*No space left on device; its disk has 0 MB left\. Everything that was acknowledged is stored: restart the process once disk space is free\n/,
      );
      const again = await startOn(clinic, disk);
      expect(await again.exited).toEqual({ code: 1, signal: null });
      expect(again.stderr).toMatch(
        /^slotkeeper: the data folder .* is on a disk with 0 MB left, and a start needs 24 MB: free disk space\n$/m,
      );

      disk.set({ free: 400 * MB });
      running = await clinic.start(disk.env);
      expect(await kept(running)).toEqual(acknowledged);
    }
    expect(await running.process.kill('SIGTERM', LONG)).toEqual({ code: 0, signal: null });
  });

  test('leaves no partial database when its creation fails, and creates it once there is disk space', async () => {
    const data = join(await tempDir(), 'data');
    const disk = await smallDisk({ free: 10 * MB, shown: 60 * MB });
    const clinic = await clinicAt({ data });
    const first = await startOn(clinic, disk);
    expect(await first.exited).toEqual({ code: 1, signal: null });
    expect(first.stderr.split('\n').at(-2)).toMatch(
      /^slotkeeper: the data folder .* has no database, and none can be created \(.*\)$/,
    );
    expect(disk.left).toBeLessThan(10 * MB);
    expect(readdirSync(data)).toEqual([]);

    const second = await clinic.open();
    expect((await second.call('GET', '/readyz')).status).toBe(200);
    expect(existsSync(join(data, 'pgdata/PG_VERSION'))).toBe(true);
    await second.close();
  });

  test('refuses to start where the disk space does not suffice for a first start', async () => {
    const data = join(await tempDir(), 'data');
    const disk = await smallDisk({ free: 40 * MB });
    const process = await startOn(await clinicAt({ data }), disk);
    expect((await process.exited).code).toBe(1);
    expect(process.stderr).toContain(
      'is on a disk with 40 MB left, and a start needs 48 MB: free disk space\n',
    );
    expect(readdirSync(data)).toEqual([]);
  });
});
