// Commands as processes: exit codes, signals, pipes, and two processes on one folder.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { demoCommand } from '../../src/cli/demo/command.js';
import type { Outcome, runScenario } from '../../src/cli/demo/run-scenario.js';
import { reportError } from '../../src/cli/exit.js';
import { embeddedFolder } from '../db/databases.js';
import { ADDRESS, CALENDAR, foundingExample, upcomingExample } from '../engine/founding-example.js';
import { RunningProcess, startSlotkeeper } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';
import { type Clinic, clinicAt, type Running } from './clinic.js';
import { ioOf, type Ran, run, type Way } from './run.js';

// Most tests start processes, which takes long on a busy machine.
jest.setTimeout(300_000);

const LONG = { within: 120_000 };
/** The capacity of a pipe that nobody reads. */
const MAX_OF_A_PIPE = 65_536;
const { date, events, put } = upcomingExample();
const [{ windows }, { ref, start, end }] = events;

/** Runs a command as a process until it ends. */
async function runProcess(args: readonly string[], way: Way = {}) {
  const running = await startSlotkeeper(args, way);
  const { code } = await running.exited;
  return { code, stdout: running.stdout, stderr: running.stderr };
}

describe('with a process that has the embedded database open', () => {
  let clinic: Clinic;
  let running: Running;
  let way: Way;

  beforeAll(async () => {
    clinic = await clinicAt({ data: await embeddedFolder() }, { timeoutMs: 60_000 });
    running = await clinic.start();
    way = { cwd: clinic.folder, env: { ...clinic.env, LOG_LEVEL: 'fatal' } };
  });

  test('slotkeeper enqueue adds the founding example to the queue, and status reports that it is published', async () => {
    const file = events.map((event) => JSON.stringify(event)).join('\n');
    writeFileSync(join(clinic.folder, 'events.ndjson'), file);
    expect(await runProcess(['enqueue', 'events.ndjson'], way)).toEqual({
      code: 0,
      stdout: '2 events enqueued, 0 refused\n',
      stderr: '',
    });
    await running.settled();
    const path = `/v1/calendars/${CALENDAR}/days?from=${date}&to=${date}`;
    const days = await running.call('GET', path);
    expect(days.body).toMatchObject([{ state: 'in-sync', published: put.body.slots }]);
    const { code, stdout } = await runProcess(['status'], way);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^everything is published\n/),
    });
  });

  test('slotkeeper import applies a snapshot from stdin', async () => {
    const whole = {
      calendar: CALENDAR,
      from: date,
      to: date,
      complete: true,
      windows,
      occupancy: [{ ref, start, end }],
    };
    const { code, stdout } = await runProcess(['import', '-'], { ...way, stdin: JSON.stringify(whole) });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^1 snapshot applied, 0 ref/),
    });
  });

  test('slotkeeper booking cancels a booking', async () => {
    await running.settled();
    const { id } = clinic.sandbox.book(ADDRESS, { start: put.body.slots[0]?.start ?? '', serviceId: '123' });
    const { code, stdout } = await runProcess(['booking', 'cancel', CALENDAR, id], way);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id, status: 'canceled' });
  });

  test.each<[string, readonly string[], RegExp]>([
    ['resync', ['resync'], /^1 calendar, \d+ days? compared: /],
    ['failed', ['failed', 'list'], /^there are no failures\n$/],
    ['held', ['held', 'list'], /^nothing is held\n$/],
  ])('slotkeeper %s prints the list', async (_, args, told) => {
    const { code, stdout } = await runProcess(args, way);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(told) });
  });

  test('a second slotkeeper start is refused with the remedy', async () => {
    const { code, stderr } = await runProcess(['start'], { cwd: clinic.folder, env: clinic.env });
    expect(code).toBe(1);
    expect(stderr).toContain(
      `in use by another slotkeeper (process ${running.process.pid}, ${running.call.url})`,
    );
    expect(stderr).toMatch(/stop that one, choose another folder with SLOTKEEPER_DATA, or set DATABASE_URL/);
    expect((await running.call('GET', '/v1/status')).status).toBe(200);
  });

  test('slotkeeper start exits with 0 on SIGTERM, and a command opens the folder afterwards', async () => {
    expect(await running.process.kill('SIGTERM', LONG)).toEqual({ code: 0, signal: null });
    expect(running.process.stdout).toBe(`slotkeeper listens on ${running.call.url}\n`);
    for (const line of running.process.stderr.trim().split('\n')) expect(JSON.parse(line)).toBeDefined();
    const { code, stdout } = await run(['status', '--json'], way);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ failed: 0, held: 0 });
  });
});

describe('slotkeeper compute', () => {
  test('computes stdin, and exits with 2 for a missing file', async () => {
    const { days, input } = foundingExample();
    const [piped, nothing] = await Promise.all([
      runProcess(['compute'], { stdin: JSON.stringify(input) }),
      runProcess(['compute', 'nothing.json']),
    ]);
    expect(piped).toEqual({ code: 0, stdout: `${JSON.stringify(days, undefined, 2)}\n`, stderr: '' });
    expect(nothing).toEqual({
      code: 2,
      stdout: '',
      stderr: 'slotkeeper: nothing.json: there is no such file\n',
    });
  });

  test('exits with 0 when the reader of its output closes the pipe', async () => {
    const cwd = await tempDir();
    const { input } = foundingExample();
    const dates = Array.from({ length: 365 }, (_, n) =>
      new Date(Date.UTC(2026, 10, 16 + n)).toISOString().slice(0, 10),
    );
    const year = dates.flatMap((day) =>
      input.windows.map((window) => ({ ...window, start: `${day}T10:00`, end: `${day}T11:00` })),
    );
    const all = { ...input, to: dates.at(-1), windows: year };
    writeFileSync(join(cwd, 'year.json'), JSON.stringify(all));
    const { stdout } = await run(['compute', 'year.json'], { cwd });
    expect(stdout.length).toBeGreaterThan(MAX_OF_A_PIPE);
    const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
    const script = '{ "$0" "$1" compute year.json; echo "exit code $?" >&2; } | head -c 1';
    const pipe = await RunningProcess.start('bash', ['-c', script, process.execPath, main], { cwd });
    expect(await pipe.exited).toEqual({ code: 0, signal: null });
    expect(pipe).toMatchObject({ stdout: '[', stderr: 'exit code 0\n' });
  });
});

describe('slotkeeper sandbox', () => {
  test('prints its URL, serves its control API, and exits with 0 on SIGTERM', async () => {
    const sandbox = await startSlotkeeper(['sandbox', '--port', '0']);
    const url = (await sandbox.waitForLine('the sandbox listens on', LONG)).split(' ').at(-1);
    const answer = await fetch(`${url}/_sandbox/requests`);
    expect(answer.status).toBe(200);
    expect(await sandbox.kill('SIGTERM', LONG)).toEqual({ code: 0, signal: null });
  });
});

describe('slotkeeper demo', () => {
  let machines: Awaited<ReturnType<typeof runProcess>>;
  let outcome: Outcome;

  beforeAll(async () => {
    machines = await runProcess(['demo', '--json']);
    outcome = JSON.parse(machines.stdout);
  });

  test('runs the scenario, the founding example first, and prints the result as JSON', () => {
    expect(machines).toMatchObject({ code: 0, stderr: '' });
    expect(outcome).toMatchObject({ equal: true, date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) });
    const { put: first } = foundingExample(outcome.date);
    expect(outcome.played[0]?.published).toMatchObject({ ...first, status: 201 });
    expect(outcome.days).toHaveLength(3);
    for (const day of outcome.days) expect(day.shown).toEqual(day.computed);
  });

  test('prints the result as text, and exits 1 where something differs', async () => {
    const told = async (played: Outcome): Promise<Ran> => {
      const { io, written } = ioOf({ cwd: await tempDir() });
      const perform: typeof runScenario = async (_io, _log, listener) => {
        played.played.forEach(listener.onStep);
        return played;
      };
      const command = demoCommand(io, perform).parseAsync([], { from: 'user' });
      const code = await command.then(
        () => 0,
        (error: unknown) => reportError(error, io.stderr),
      );
      return { code, ...written };
    };
    const { code, stdout, stderr } = await told(outcome);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const path = 'PUT /api/v3/integration/facilities/456/doctors/9876/addresses/789/slots → 201';
    expect(stdout.slice(stdout.indexOf('a patient at the desk books 10:30 to 10:40'))).toContain(path);
    expect(stdout).toMatch(/10:00–10:30 {2}10:40–11:00/);
    expect(stdout).toMatch(/busy.*free.*published/);
    expect(stdout).toMatch(/✔ the marketplace shows exactly what the core computes/);
    // Without a terminal there are no colours.
    expect(stdout).not.toContain('\u001b');
    expect(await told({ ...outcome, equal: false })).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('✘ the marketplace does not show what the core computes'),
      stderr: '',
    });
  });
});
