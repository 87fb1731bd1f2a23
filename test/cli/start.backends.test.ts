import { describe, expect, jest, test } from '@jest/globals';
import { backends } from '../engine/backends.js';
import { ADDRESS, CALENDAR, upcomingExample } from '../engine/founding-example.js';
import { sent } from '../engine/running.js';
import { eventually } from '../support/eventually.js';
import { clinicAt, published } from './clinic.js';

// Some tests start several processes, which takes long on a busy machine.
jest.setTimeout(300_000);

const LONG = { within: 120_000 };
const { date, events, put } = upcomingExample();
const [available, occupied] = events;

describe.each(backends)('slotkeeper start on $name', ({ fresh }) => {
  test.concurrent('publishes the founding example with exactly one PUT, reports it in the days, and exits with 0 on SIGTERM', async () => {
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
    // The output is one line and the log, all of whose lines are JSON.
    expect(stdout).toBe(`slotkeeper listens on ${call.url}\n`);
    for (const line of stderr.trim().split('\n')) expect(JSON.parse(line).level).toBe(30);
  });

  test.concurrent('loses nothing that it acknowledged when it is killed and started again', async () => {
    // The jobs and the lease of a killed worker expire after these times.
    const clinic = await clinicAt(await fresh(), { timeoutMs: 3_000, lockMs: 1_000 });
    const first = await clinic.start();
    await first.call('POST', '/v1/events', { events: [available] });
    await first.settled();
    const acknowledged: string[] = [];
    // The marketplace is slow, so that the kill interrupts a publish.
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
