import { describe, expect, jest, test } from '@jest/globals';
import { backends } from '../engine/backends.js';
import { ADDRESS, CALENDAR, upcomingExample } from '../engine/founding-example.js';
import { sent } from '../engine/running.js';
import { eventually } from '../support/eventually.js';
import { clinicAt, published } from './clinic.js';

// Some are several processes; a machine that is busy with others takes its time.
jest.setTimeout(300_000);

const LONG = { within: 120_000 };
const { date, events, put } = upcomingExample();
const [available, occupied] = events;

describe.each(backends)('slotkeeper start on $name', ({ fresh }) => {
  test.concurrent('makes of the founding example exactly one PUT, says so in the days, and ends well on SIGTERM', async () => {
    const clinic = await clinicAt(await fresh(), { timeoutMs: 60_000 });
    const { call, settled, close } = await clinic.open();
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

    const { code, stdout, stderr } = await close();
    expect(code).toBe(0);
    expect(stderr).not.toContain('s3cret');
    // What it wrote is a line of its own and the log, which is JSON throughout.
    expect(stdout).toBe(`slotkeeper listens on ${call.url}\n`);
    for (const line of stderr.trim().split('\n')) expect(JSON.parse(line).level).toBe(30);
  });

  test.concurrent('killed in the middle has lost nothing that it acknowledged, once it runs again', async () => {
    // A dead worker's jobs and lease run out by these.
    const clinic = await clinicAt(await fresh(), { timeoutMs: 3_000, lockMs: 1_000 });
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
    await eventually(() => acknowledged.length >= 8, LONG);
    await first.process.kill('SIGKILL');
    await atTheDesk;
    clinic.sandbox.faults.clear();

    const second = await clinic.open();
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
    await second.close();
  });
});
