// Processes that are killed while the marketplace pushes.
import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { clinicAt } from '../cli/clinic.js';
import { postgresDatabase } from '../db/databases.js';
import { CALENDAR } from '../engine/founding-example.js';
import { eventually } from '../support/eventually.js';
import { available, configure, date, PUSH_KEY, push, slotBooked } from './pushed-process.js';

/** How many pushes are answered in one life before it is killed in the middle of others. */
const LIVES = [3, 40];
/** Pushes under way at the same time. */
const LINES = 6;

test('a process that is killed at any moment has stored all that it answered 2xx, and nothing twice', async () => {
  const clinic = await clinicAt({ databaseUrl: await postgresDatabase() });
  configure(clinic, { mode: 'push', apiKey: PUSH_KEY });
  const env = { SLOTKEEPER_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
  const answered = new Set<string>();
  let next = 0;
  const again: number[] = [];
  for (const answers of LIVES) {
    const running = await clinic.start(env);
    if (next === 0) await running.call('POST', '/v1/events', { events: [available] });
    const enough = answered.size + answers;
    let killing: Promise<unknown> | undefined;
    const line = async () => {
      while (killing === undefined) {
        const n = again.shift() ?? next++;
        const status = await push(running, slotBooked(`b-${n}`, n));
        if (status === 200) answered.add(`b-${n}`);
        else again.push(n);
        // The others are under way.
        if (answered.size >= enough) killing ??= running.process.kill('SIGKILL');
      }
    };
    await Promise.all(Array.from({ length: LINES }, line));
    await killing;
  }
  const last = await clinic.open(env);
  const unsaid = [...again];
  for (const n of unsaid) await eventually(async () => (await push(last, slotBooked(`b-${n}`, n))) === 200);
  const told: string[] = [];
  for (let after = '0'; ; ) {
    const { items, next: cursor } = (await last.call('GET', `/v1/notifications?after=${after}&limit=100`))
      .body;
    told.push(...items.map(({ booking }: { booking: string }) => booking));
    if (items.length === 0) break;
    after = cursor;
  }
  expect(new Set(told).size).toBe(told.length);
  expect(told).toEqual(expect.arrayContaining([...answered]));
  // Nothing that was never pushed, and everything is taken time.
  expect(told.length).toBe(answered.size + unsaid.length);
  const days = await last.call('GET', `/v1/calendars/${CALENDAR}/days?from=${date}&to=${date}`);
  const busy = new Set(days.body[0].busy.map(({ booking }: { booking: string }) => booking));
  for (const id of told.filter((one) => Number(one.slice(2)) < 1_300)) expect(busy.has(id)).toBe(true);
});
