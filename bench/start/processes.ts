/** Whole processes, as a user starts them: when they are ready, and what memory they have when they are idle. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import got from 'got';
import { RunningProcess } from '../../test/support/process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** From when it is ready to when its memory is read. */
const IDLE_MS = 8_000;

/** It keeps the process. */
const STAY = 'setInterval(() => undefined, 60_000);';
const BARE_NODE = `${STAY} console.log('ready');`;
const BARE_PGLITE = `
  import { PGlite } from '@electric-sql/pglite';
  const db = new PGlite(process.env.FOLDER);
  await db.query('select 1');
  ${BARE_NODE}`;

export interface Started {
  /** From the start of the process until it is ready. */
  readonly seconds: number;
  /** Resident, of the process and all its children. */
  readonly megabytes: number;
}

export const bareNode = (): Promise<Started> => bare(BARE_NODE, {});

/** A process that opens this folder and asks it one thing. */
export const barePglite = (folder: string): Promise<Started> => bare(BARE_PGLITE, { FOLDER: folder });

async function bare(script: string, env: Readonly<Record<string, string>>): Promise<Started> {
  return await measured(
    ['--input-type=module', '-e', script],
    { cwd: ROOT, env },
    async (process) => void (await process.waitForLine('ready')),
  );
}

/** `slotkeeper start`, until it says that it is ready. */
export async function slotkeeperStart(cwd: string, env: Readonly<Record<string, string>>): Promise<Started> {
  return await measured([MAIN, 'start'], { cwd, env: { ...env, PORT: '0' } }, async (process) => {
    const url = (await process.waitForLine('slotkeeper listens on')).split(' ').at(-1);
    await got(`${url}/readyz`, { retry: { limit: 50, calculateDelay: () => 20 } });
  });
}

async function measured(
  args: readonly string[],
  where: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
  ready: (process: RunningProcess) => Promise<void>,
): Promise<Started> {
  const begun = performance.now();
  const running = await RunningProcess.start(process.execPath, args, { ...where, endsWithTest: false });
  try {
    await ready(running);
    const seconds = (performance.now() - begun) / 1_000;
    await sleep(IDLE_MS);
    return { seconds, megabytes: residentOf(running.pid) };
  } finally {
    await running.kill('SIGTERM');
  }
}

/** In megabytes: `VmRSS` of the process and of those that it started. */
function residentOf(pid: number): number {
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return Number(kilobytes) / 1024 + children.map(residentOf).reduce((sum, one) => sum + one, 0);
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
