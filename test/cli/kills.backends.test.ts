// Kills during writes, one after another: what was acknowledged is stored after each.
import { describe, expect, jest, test } from '@jest/globals';
import { backends } from '../engine/backends.js';
import { CALENDAR, upcomingExample } from '../engine/founding-example.js';
import { eventually } from '../support/eventually.js';
import { isLong } from '../support/long.js';
import { clinicAt, type Running } from './clinic.js';

// Each kill starts a process, which takes long on a busy machine.
jest.setTimeout(1_800_000);

const LONG = { within: 120_000 };
const KILLS = isLong ? 20 : 2;
const WRITERS = 3;
const { date, events } = upcomingExample();
const [available, occupied] = events;

describe.each(backends)('slotkeeper start on $name', ({ fresh }) => {
  test(`loses nothing that it acknowledged when it is killed ${KILLS} times during writes`, async () => {
    const clinic = await clinicAt(await fresh(), { timeoutMs: 3_000, lockMs: 1_000 });
    const acknowledged: string[] = [];
    let said = 0;
    const write = async ({ call }: Running): Promise<void> => {
      for (;;) {
        said += 1;
        const minute = said % 1_380;
        const [from, to] = [minute, minute + 30].map(
          (n) => `${date}T${String(Math.floor(n / 60)).padStart(2, '0')}:${String(n % 60).padStart(2, '0')}`,
        );
        const event = { ...occupied, id: `e-${said}`, ref: `r-${said}`, start: from, end: to };
        const answer = await call('POST', '/v1/events', { events: [event] }).catch(() => undefined);
        if (answer?.status !== 202) return;
        acknowledged.push(event.ref);
      }
    };
    const expectAll = async ({ call }: Pick<Running, 'call'>): Promise<void> => {
      const { body } = await call('GET', `/v1/calendars/${CALENDAR}/days?from=${date}&to=${date}`);
      const refs = body[0].busy.map(({ ref }: { ref: string }) => ref);
      expect(refs).toEqual(expect.arrayContaining(acknowledged));
    };
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const running = await clinic.start();
      if (kill === 1) await running.call('POST', '/v1/events', { events: [available] });
      await expectAll(running);
      const before = acknowledged.length;
      const writing = Array.from({ length: WRITERS }, () => write(running));
      await eventually(() => acknowledged.length >= before + 2 + (kill % 7), LONG);
      await running.process.kill('SIGKILL');
      await Promise.all(writing);
    }
    const last = await clinic.open();
    await expectAll(last);
    expect(acknowledged.length).toBeGreaterThanOrEqual(2 * KILLS);
    await last.close();
  });
});
