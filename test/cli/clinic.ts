// `slotkeeper start` as a clinic runs it: a folder with a configuration, a marketplace, and the HTTP API.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { lockFolder } from '../../src/db/folder-lock.js';
import { type RequestRecord, Sandbox } from '../../src/sandbox/index.js';
import { environmentOf, type Place } from '../engine/backends.js';
import { ACCOUNT, accountConfig, CALENDAR, calendarConfig } from '../engine/founding-example.js';
import { sent, writesTo } from '../engine/running.js';
import { type Caller, callerOf } from '../server/served.js';
import { eventually } from '../support/eventually.js';
import { type RunningProcess, startSlotkeeper } from '../support/process.js';
import { atEndOfTest } from '../support/release.js';
import { tempDir } from '../support/temp-dir.js';
import { begin, type Ran, type Underway } from './run.js';

export const KEY = 'key-of-the-clinic';
/** The time limit of a start of the embedded database on a busy machine. */
const LONG = { within: 120_000 };

export interface Clinic {
  readonly sandbox: Sandbox;
  /** The working directory; its slotkeeper.yaml has the founding example's calendar. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Starts a process; resolves once it listens. */
  start(env?: Readonly<Record<string, string>>): Promise<Running>;
  /** Starts it in this process. */
  open(env?: Readonly<Record<string, string>>): Promise<Open>;
}

interface Serving {
  readonly call: Caller;
  /** Waits until everything is published. */
  settled(): Promise<void>;
}

export interface Running extends Serving {
  readonly process: RunningProcess;
}

export interface Open extends Serving {
  readonly command: Underway;
  /** Stops it like SIGTERM. */
  close(): Promise<Ran>;
}

/** @param publish the section `publish` of slotkeeper.yaml */
export async function clinicAt(place: Place, publish: object = {}): Promise<Clinic> {
  const sandbox = new Sandbox();
  atEndOfTest(() => sandbox.stop());
  await sandbox.start();
  const folder = await tempDir();
  const config = {
    accounts: [{ ...accountConfig(sandbox.url), clientSecret: `\${CLIENT_SECRET}` }],
    calendars: [calendarConfig],
    publish: { debounceMs: 0, sweepSeconds: 0.5, ...publish },
  };
  writeFileSync(join(folder, 'slotkeeper.yaml'), stringify(config));
  const env = {
    ...environmentOf(place),
    SLOTKEEPER_API_KEY: KEY,
    CLIENT_SECRET: 's3cret-of-the-client',
    PORT: '0',
    LOG_LEVEL: 'info',
  };
  const start = async (more: Readonly<Record<string, string>> = {}): Promise<Running> => {
    const running = await startSlotkeeper(['start'], { cwd: folder, env: { ...env, ...more } });
    const line = await running.waitForLine('slotkeeper listens on', LONG);
    return { process: running, ...servingAt(line.split(' ').at(-1) ?? '') };
  };
  const open = async (more: Readonly<Record<string, string>> = {}): Promise<Open> => {
    const command = await begin(['start'], { cwd: folder, env: { ...env, ...more } });
    const close = async (): Promise<Ran> => {
      command.signal('SIGTERM');
      return await command.ended;
    };
    atEndOfTest(async () => {
      await close();
    });
    const tooSoon = command.ended.then(({ code, stderr }) => {
      throw new Error(`it ended with exit code ${code}:\n${stderr}`);
    });
    const listens = eventually(() => /^slotkeeper listens on (.*)\n/.exec(command.written.stdout)?.[1], LONG);
    return { command, close, ...servingAt(await Promise.race([listens, tooSoon])) };
  };
  return { sandbox, folder, env, start, open };
}

function servingAt(url: string): Serving {
  const call = callerOf(url, KEY);
  const settled = async (): Promise<void> => {
    await eventually(async () => (await call('GET', '/v1/status')).body.pending === 0, LONG);
  };
  return { call, settled };
}

/**
 * A data folder as one looks that the engine at this url has. Commands that are pointed at it ask that engine over HTTP,
 * whatever it keeps its record in.
 */
export async function folderHeldBy(url: string): Promise<string> {
  const folder = await tempDir();
  const lock = lockFolder(folder);
  atEndOfTest(async () => lock.release());
  lock.recordUrl(url);
  return folder;
}

/** The writes that the marketplace accepted. */
export const published = (sandbox: Sandbox): readonly RequestRecord[] =>
  writesTo(sandbox).filter(({ applied }) => applied);

export { ACCOUNT, CALENDAR, sent };
