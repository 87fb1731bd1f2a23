import { describe, expect, jest, test } from '@jest/globals';
import { backends } from '../engine/backends.js';
import { ADDRESS, CALENDAR, upcomingExample } from '../engine/founding-example.js';
import { sent } from '../engine/running.js';
import { embeddedFolder } from '../store/databases.js';
import { eventually } from '../support/eventually.js';
import { startSlotkeeper } from '../support/process.js';
import { clinicAt, published } from './clinic.js';

// Each test is several processes; a machine that is busy with others takes its time.
jest.setTimeout(120_000);

const { date, events, put } = upcomingExample();
const [available, occupied] = events;

describe.each(backends)('slotkeeper start on $name', ({ fresh }) => {
  test.concurrent('makes of the founding example exactly one PUT, says so in the days, and ends well on SIGTERM', async () => {
    const clinic = await clinicAt(await fresh());
    const { process, call, settled } = await clinic.start();
    expect((await call('GET', '/readyz')).status).toBe(200);
    expect((await call('POST', '/v1/events', { events: [available] })).status).toBe(202);
    await settled();
    const before = published(clinic.sandbox).length;
    const answer = await call('POST', '/v1/events', { events: [occupied] });
    expect(answer).toMatchObject({ status: 202, body: { accepted: 1, rejected: [] } });
    await settled();
    expect(published(clinic.sandbox).slice(before).map(sent)).toEqual([put]);
    const days = await call('GET', `/v1/calendars/${CALENDAR}/days?from=${date}&to=${date}`);
    expect(days.body).toMatchObject([{ state: 'in-sync', published: put.body.slots }]);

    expect(await process.kill('SIGTERM', { within: 30_000 })).toEqual({ code: 0, signal: null });
    expect(process.stderr).not.toContain('s3cret');
    // What it wrote is a line of its own and the log, which is JSON throughout.
    expect(process.stdout.trim().split('\n')).toEqual([`slotkeeper listens on ${call.url}`]);
    for (const line of process.stderr.trim().split('\n')) expect(JSON.parse(line).level).toBe(30);
  });

  test.concurrent('killed in the middle has lost nothing that it acknowledged, once it runs again', async () => {
    // A dead worker's jobs and lease run out by these.
    const clinic = await clinicAt(await fresh(), { timeoutMs: 1_000, lockMs: 1_000 });
    const first = await clinic.start();
    await first.call('POST', '/v1/events', { events: [available] });
    await first.settled();
    const acknowledged: string[] = [];
    // The marketplace is slow, so that the kill meets a publish under way.
    clinic.sandbox.faults.set([
      { fault: { kind: 'latency', ms: 100 }, match: { operation: 'replaceSlots' } },
    ]);
    const atTheDesk = (async () => {
      for (let n = 0; ; n += 1) {
        const start = `${date}T10:${String(n % 30).padStart(2, '0')}:00`;
        const event = { ...occupied, id: `e-${n}`, ref: `r-${n}`, start, end: `${date}T10:40:00` };
        const answer = await first.call('POST', '/v1/events', { events: [event] }).catch(() => undefined);
        if (answer?.status !== 202) return;
        acknowledged.push(event.ref);
      }
    })();
    await eventually(() => acknowledged.length >= 8);
    await first.process.kill('SIGKILL');
    await atTheDesk;
    clinic.sandbox.faults.clear();

    const second = await clinic.start();
    await second.settled();
    const [day] = (await second.call('GET', `/v1/calendars/${CALENDAR}/days?from=${date}&to=${date}`)).body;
    const refs = day.busy.map(({ ref }: { ref: string }) => ref);
    expect(refs).toEqual(expect.arrayContaining(acknowledged));
    expect(day).toMatchObject({ state: 'in-sync', published: day.wanted });
    const shown = clinic.sandbox.slots(ADDRESS, `${date}T00:00:00+00:00`, `${date}T23:59:00+00:00`);
    expect(shown.map(({ start, end }) => [Date.parse(start), Date.parse(end)])).toEqual(
      day.wanted.map(({ start, end }: { start: string; end: string }) => [
        Date.parse(start),
        Date.parse(end),
      ]),
    );
    await second.process.kill('SIGTERM', { within: 30_000 });
  });
});

describe('slotkeeper start', () => {
  test.concurrent('refuses a second process on the embedded folder, and tells it what to do', async () => {
    const clinic = await clinicAt({ data: await embeddedFolder() });
    const first = await clinic.start();
    const second = await startSlotkeeper(['start'], { cwd: clinic.folder, env: { ...clinic.env } });
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.stderr).toContain(
      `in use by another slotkeeper (process ${first.process.pid}, ${first.call.url})`,
    );
    expect(second.stderr).toMatch(
      /stop that one, choose another folder with SLOTKEEPER_DATA, or set DATABASE_URL/,
    );
    expect((await first.call('GET', '/v1/status')).status).toBe(200);
    await first.process.kill('SIGTERM', { within: 30_000 });
  });

  test.concurrent('on a port that is taken exits 1 and says so', async () => {
    const clinic = await clinicAt({ data: await embeddedFolder() });
    const port = new URL(clinic.sandbox.url).port;
    const process = await startSlotkeeper(['start'], {
      cwd: clinic.folder,
      env: { ...clinic.env, PORT: port },
    });
    expect(await process.exited).toEqual({ code: 1, signal: null });
    expect(process.stderr).toContain(
      `cannot listen on 127.0.0.1:${port}: another process listens there; choose another with PORT`,
    );
  });
});
