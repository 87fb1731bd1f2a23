import { expect, jest, test } from '@jest/globals';
import { postgresDatabase } from '../db/databases.js';
import { ADDRESS, CALENDAR, calendarConfig, upcomingExample } from '../engine/founding-example.js';
import { eventually } from '../support/eventually.js';
import { clinicAt, type Running } from './clinic.js';

// The test starts processes, which takes long on a busy machine.
jest.setTimeout(300_000);

const LONG = { within: 120_000 };
const [open] = upcomingExample().events;

test('a resync whose process is killed is finished by the next process, which compares the remaining calendars', async () => {
  // The jobs and the lease of a killed worker expire after these times.
  const publish = { concurrency: 1, timeoutMs: 3_000, lockMs: 1_000 };
  const clinic = await clinicAt({ databaseUrl: await postgresDatabase() }, publish);
  const first = await clinic.start();
  const others = ['lis', 'wilk'];
  const addressOf = (id: string): string => `address-${id}`;
  for (const id of others) {
    const body = { ...calendarConfig, id: undefined, addressId: addressOf(id) };
    expect((await first.call('PUT', `/v1/calendars/${id}`, body)).status).toBe(201);
  }
  const all = [CALENDAR, ...others].map((calendar) => ({ ...open, id: `open-${calendar}`, calendar }));
  await first.call('POST', '/v1/events', { events: all });
  await first.settled();

  /** The addresses whose slots were read since the start. */
  const readSince = (before: number): (string | undefined)[] =>
    clinic.sandbox.requests
      .slice(before)
      .filter(({ operation }) => operation === 'getSlots')
      .map(({ address }) => address?.addressId);
  const before = clinic.sandbox.requests.length;
  // One calendar is compared, and requests of the others are not answered.
  clinic.sandbox.faults.set(
    others.map((id) => ({
      fault: { kind: 'hang' },
      match: { operation: 'getSlots', addressId: addressOf(id) },
    })),
  );
  const { body } = await first.call('POST', '/v1/resync', {});
  const report = async ({ call }: Pick<Running, 'call'>) => (await call('GET', `/v1/resync/${body.id}`)).body;
  await eventually(async () => (await report(first)).calendarsDone === 1, LONG);
  await eventually(() => readSince(before).some((address) => address !== ADDRESS.addressId), LONG);
  await first.process.kill('SIGKILL');
  clinic.sandbox.faults.clear();

  const restarted = clinic.sandbox.requests.length;
  const next = await clinic.open();
  const ended = await eventually(async () => {
    const now = await report(next);
    return now.finishedAt === null ? undefined : now;
  }, LONG);
  expect(ended).toMatchObject({
    state: 'done',
    calendars: 3,
    calendarsDone: 3,
    daysCompared: 3,
    differences: { missing: 0, extra: 0, stale: 0, foreign: 0 },
    writes: 0,
    failures: [],
  });
  // The interrupted calendar is read again, and the finished one is not.
  expect(new Set(readSince(restarted))).toEqual(new Set(others.map(addressOf)));
});
