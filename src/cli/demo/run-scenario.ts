/** Runs the scenario on the real engine, with the embedded database, against the sandbox. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { OccupancyEvent } from '../../clinic/occupancy-event.js';
import { MINUTE } from '../../core/duration.js';
import { addDays, bookableStarts, localDate, startOfDate } from '../../core/index.js';
import { Slotkeeper } from '../../engine.js';
import type { Logger } from '../../lib/log.js';
import type { DayReport } from '../../publishing/day-report.js';
import { type RequestRecord, Sandbox } from '../../sandbox/index.js';
import { exitWithError } from '../exit.js';
import type { Io } from '../io.js';
import { type Doctor, doctors, type Happening, scenario, TIME_ZONE, windowsOf } from './scenario.js';

export interface Published {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly status: number | undefined;
  /** From the receipt of the event by the engine to the receipt of the request by the marketplace. */
  readonly latencyMs: number;
}

export interface ScenarioResult {
  readonly happening: Happening;
  readonly published: Published;
}

export interface DoctorsDay {
  readonly doctor: Doctor;
  readonly day: DayReport;
  /** The starts that the core computes, and those that the sandbox shows to patients. */
  readonly computed: readonly string[];
  readonly shown: readonly string[];
  readonly equal: boolean;
}

export interface ScenarioListener {
  readonly onProgress: (message: string) => void;
  readonly onStep: (step: ScenarioResult) => void;
}

export interface Outcome {
  readonly date: string;
  readonly played: readonly ScenarioResult[];
  readonly days: readonly DoctorsDay[];
  readonly equal: boolean;
}

/** The limit of each wait. */
const WAIT_LIMIT_MS = MINUTE;
/** The conventional exit code of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

export async function runScenario(
  { signals, stderr, exit }: Pick<Io, 'signals' | 'stderr' | 'exit'>,
  log: Logger,
  listener: ScenarioListener,
): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'slotkeeper-demo-'));
  const sandbox = new Sandbox();
  const interrupted = (): void => {
    rmSync(folder, { recursive: true, force: true });
    exit(INTERRUPTED);
  };
  signals.once('SIGINT', interrupted);
  let engine: Slotkeeper | undefined;
  try {
    const baseUrl = await sandbox.start();
    engine = new Slotkeeper({
      data: folder,
      log,
      onProgress: listener.onProgress,
      onDatabaseLost: exitWithError({ stderr, exit }),
      config: {
        accounts: [{ id: 'demo', baseUrl, clientId: 'demo', clientSecret: 'demo', timeZone: TIME_ZONE }],
        calendars: doctors.map(({ id, address }) => ({ id, account: 'demo', ...address })),
        publish: { debounceMs: 0 },
      },
    });
    await engine.start();

    const date = addDays(localDate(Date.now(), TIME_ZONE), 1);
    listener.onProgress("publishing the doctors' windows");
    for (const doctor of doctors) {
      await applyAndWait(engine, sandbox, doctor, windowsOf(doctor, date));
    }
    const played: ScenarioResult[] = [];
    for (const happening of scenario(date)) {
      const doctor = doctorOf(happening);
      const published = await applyAndWait(engine, sandbox, doctor, happening.event);
      played.push({ happening, published });
      listener.onStep({ happening, published });
    }
    await waitUntilPublished(engine);
    const days: DoctorsDay[] = [];
    for (const doctor of doctors) days.push(await compare(engine, sandbox, doctor, date));
    return { date, played, days, equal: days.every(({ equal }) => equal) };
  } finally {
    signals.off('SIGINT', interrupted);
    await engine?.stop();
    await sandbox.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function doctorOf({ doctor: id }: Happening): Doctor {
  const found = doctors.find((doctor) => doctor.id === id);
  if (found === undefined) throw new Error(`the scenario has no doctor "${id}"`);
  return found;
}

/** Applies the event and waits for the resulting write to the doctor's address. */
async function applyAndWait(
  engine: Slotkeeper,
  sandbox: Sandbox,
  doctor: Doctor,
  event: OccupancyEvent,
): Promise<Published> {
  const write = waitForWrite(sandbox, doctor);
  const startedAt = Date.now();
  const { rejected } = await engine.events([event]);
  if (rejected[0] !== undefined) throw new Error(`the event was rejected: ${rejected[0].reason}`);
  const { method, path, body, status, receivedAt } = await write;
  return { method, path, body, status, latencyMs: receivedAt - startedAt };
}

async function waitForWrite(sandbox: Sandbox, doctor: Doctor): Promise<RequestRecord> {
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      sandbox.off('request', listen);
      reject(new Error(`nothing was published for ${doctor.name} within ${WAIT_LIMIT_MS / 1000} s`));
    }, WAIT_LIMIT_MS);
    function listen(record: RequestRecord): void {
      const isWrite = record.operation === 'replaceSlots' || record.operation === 'deleteSlots';
      if (!isWrite || !isDeepStrictEqual({ ...record.address }, doctor.address)) return;
      clearTimeout(timer);
      sandbox.off('request', listen);
      resolve(record);
    }
    sandbox.on('request', listen);
  });
}

async function waitUntilPublished(engine: Slotkeeper): Promise<void> {
  const deadline = Date.now() + WAIT_LIMIT_MS;
  while ((await engine.status()).pending > 0) {
    if (Date.now() > deadline) throw new Error('the engine did not publish all changes in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function compare(
  engine: Slotkeeper,
  sandbox: Sandbox,
  doctor: Doctor,
  date: string,
): Promise<DoctorsDay> {
  const day = (await engine.days(doctor.id, date, date))?.[0];
  if (day === undefined) throw new Error(`the database has no day of ${doctor.name}`);
  const format = (start: { start: string; services: readonly string[] }): string =>
    `${new Date(start.start).toISOString()} ${[...start.services].sort().join(',')}`;
  const computed = bookableStarts(day.wanted).map(format);
  const from = startOfDate(date, TIME_ZONE);
  const to = startOfDate(addDays(date, 1), TIME_ZONE);
  const shown = sandbox.patientView(doctor.address, from, to).map(format);
  return { doctor, day, computed, shown, equal: isDeepStrictEqual(computed, shown) };
}
