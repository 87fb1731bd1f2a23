import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Slotkeeper } from '../../src/engine.js';
import type { Sandbox } from '../../src/sandbox/index.js';
import { postgresDatabase } from '../db/databases.js';
import { ADDRESS, CALENDAR, upcomingExample } from '../engine/founding-example.js';
import { openClinic, settled, startEngine } from '../engine/running.js';
import { KEY, serve } from '../server/served.js';
import { folderHeldBy } from './clinic.js';
import { type Ran, run } from './run.js';

const { events, put } = upcomingExample();
const [available] = events;
/** The date and the hour of the window, and the zone's offset. */
const start = put.body.slots[0]?.start ?? '';
const [HOUR, OFFSET] = [start.slice(0, 14), start.slice(19)];
const at = (minute: string): string => `${HOUR}${minute}:00${OFFSET}`;

describe('slotkeeper booking refuses', () => {
  test.each([
    ['a move without a time', ['move', CALENDAR, '1'], "required option '--start <instant>' not specified"],
    [
      'a duration that is none',
      ['move', CALENDAR, '1', '--start', at('00'), '--duration', 'ten'],
      '--duration',
    ],
    ['a link to nothing', ['link', CALENDAR, '1'], 'give a ref or --none'],
    [
      'a link to something and to nothing',
      ['link', CALENDAR, '1', 'apt-1', '--none'],
      'give a ref or --none',
    ],
    ['what names no booking', ['cancel', CALENDAR], "missing required argument 'booking'"],
  ])('%s, with exit code 2', async (_, args, reason) => {
    const { code, stdout, stderr } = await run(['booking', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain(' at ');
  });
});

describe('slotkeeper booking', () => {
  let engine: Slotkeeper;
  let sandbox: Sandbox;
  /** How a command connects: over HTTP where an engine has the folder, and to the database with PostgreSQL. */
  let environments: { readonly http: Record<string, string>; readonly own: Record<string, string> };

  beforeAll(async () => {
    const databaseUrl = await postgresDatabase();
    engine = await startEngine(
      { databaseUrl },
      { now: Date.now, config: { publish: { timeoutMs: 60_000, sweepSeconds: 3_600 } } },
    );
    const { url } = await serve(engine);
    environments = {
      http: { SLOTKEEPER_DATA: await folderHeldBy(url), SLOTKEEPER_API_KEY: KEY, LOG_LEVEL: 'fatal' },
      own: { DATABASE_URL: databaseUrl, LOG_LEVEL: 'fatal' },
    };
  });

  beforeEach(async () => {
    sandbox = await openClinic(engine, { now: Date.now });
    await engine.events([available]);
    await settled(engine);
  });

  // The changes of the last test are published before the next test, whatever the marketplace refused.
  afterEach(async () => {
    await settled(engine);
  });

  /** The output of a successful command. */
  const done = ({ code, stdout, stderr }: Ran): unknown => {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.endsWith('\n')).toBe(true);
    return JSON.parse(stdout);
  };
  const patientBooks = (minute: string): string =>
    sandbox.book(ADDRESS, { start: at(minute), serviceId: '123' }).id;
  const standing = () =>
    sandbox
      .bookings(ADDRESS)
      .filter(({ status }) => status === 'booked')
      .map(({ id, start_at, end_at }) => [id, start_at, end_at]);

  describe.each([
    { name: 'through a running engine', way: 'http', noCalendar: 1 },
    { name: 'by itself', way: 'own', noCalendar: 2 },
  ] as const)('$name', ({ way, noCalendar }) => {
    const booking = (...args: readonly string[]): Promise<Ran> =>
      run(['booking', ...args], { env: environments[way] });

    test('cancels a booking, and prints it', async () => {
      const id = patientBooks('00');
      expect(done(await booking('cancel', CALENDAR, id, '--reason', 'the doctor is ill'))).toEqual({
        calendar: CALENDAR,
        id,
        status: 'canceled',
        start: at('00'),
        end: at('10'),
        service: '123',
        ref: null,
      });
      expect(standing()).toEqual([]);
      const asked = sandbox.requests.find(({ operation }) => operation === 'cancelBooking');
      expect(JSON.stringify(asked?.body)).toContain('the doctor is ill');
    });

    test('moves a booking, by the wall clock and to a longer duration, and prints it with its new id', async () => {
      const id = patientBooks('00');
      const to = at('30').slice(0, 19);
      const moved = done(await booking('move', CALENDAR, id, '--start', to, '--duration', '20'));
      expect(moved).toMatchObject({ status: 'booked', start: at('30'), end: at('50'), service: '123' });
      expect(moved).not.toMatchObject({ id });
      expect([(moved as { id: string }).id, at('30'), at('50')]).toEqual(standing()[0]);
      expect(standing()).toHaveLength(1);
    });

    test('links a booking to an appointment, and removes the link', async () => {
      const id = patientBooks('00');
      expect(done(await booking('link', CALENDAR, id, 'apt-1'))).toMatchObject({ id, ref: 'apt-1' });
      expect(done(await booking('link', CALENDAR, id, '--none'))).toMatchObject({ id, ref: null });
    });

    test('prints the reason of a refusal of the marketplace, with exit code 1, and changes nothing', async () => {
      const id = patientBooks('00');
      sandbox.faults.set([
        {
          fault: { kind: 'status', status: 422, message: 'it is paid' },
          match: { operation: 'moveBooking' },
        },
      ]);
      const [paid, unknown] = await Promise.all([
        booking('move', CALENDAR, id, '--start', at('30')),
        booking('cancel', CALENDAR, '999'),
      ]);
      for (const { code, stdout, stderr } of [paid, unknown]) {
        expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
        expect(stderr).toMatch(/^slotkeeper: .+\n$/);
      }
      expect(paid.stderr).toContain('paid');
      expect(standing()).toEqual([[id, at('00'), at('10')]]);
    });

    test('refuses an unknown calendar, and an invalid time', async () => {
      const id = patientBooks('00');
      const [nobody, never] = await Promise.all([
        booking('cancel', 'nobody', '1'),
        booking('move', CALENDAR, id, '--start', 'tomorrow'),
      ]);
      expect(nobody).toMatchObject({ code: noCalendar, stdout: '' });
      expect(nobody.stderr).toContain('there is no calendar "nobody"');
      expect(never.code).toBe(noCalendar);
      expect(never.stderr).toMatch(/^slotkeeper: .*start:? must be an instant.*\n$/);
    });
  });
});
