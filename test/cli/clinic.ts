// A process of `slotkeeper start` as a clinic runs it: a folder with a configuration, a marketplace, and HTTP.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type RequestRecord, Sandbox } from '../../src/sandbox/index.js';
import { environmentOf, type Place } from '../engine/backends.js';
import { ACCOUNT, accountConfig, CALENDAR, calendarConfig } from '../engine/founding-example.js';
import { sent, writesTo } from '../engine/running.js';
import { type Caller, callerOf } from '../server/served.js';
import { eventually } from '../support/eventually.js';
import { type RunningProcess, startSlotkeeper } from '../support/process.js';
import { atEndOfTest } from '../support/release.js';
import { tempDir } from '../support/temp-dir.js';

export const KEY = 'key-of-the-clinic';

export interface Clinic {
  readonly sandbox: Sandbox;
  /** The working directory; its slotkeeper.yaml has the founding example's calendar. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Starts the process; resolves once it listens. */
  start(env?: Readonly<Record<string, string>>): Promise<Running>;
}

export interface Running {
  readonly process: RunningProcess;
  readonly call: Caller;
  /** Waits until everything that is wanted is published. */
  settled(): Promise<void>;
}

/** @param publish what slotkeeper.yaml says of publishing */
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
    const line = await running.waitForLine('slotkeeper listens on', { within: 60_000 });
    const call = callerOf(line.split(' ').at(-1) ?? '', KEY);
    const settled = async (): Promise<void> => {
      await eventually(async () => (await call('GET', '/v1/status')).body.pending === 0, { within: 60_000 });
    };
    return { process: running, call, settled };
  };
  return { sandbox, folder, env, start };
}

/** What was written to the marketplace and taken by it. */
export const published = (sandbox: Sandbox): readonly RequestRecord[] =>
  writesTo(sandbox).filter(({ applied }) => applied);

export { ACCOUNT, CALENDAR, sent };
