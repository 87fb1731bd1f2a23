/** Each piece of work in a process of its own, with an engine: what it takes of CPU and memory is its own. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createLog, Slotkeeper } from 'slotkeeper';
import { calendarsOf, type Size } from './estate.js';
import { type Simply, write } from './simply.js';

export interface Work {
  /** `start`: nothing but that. */
  readonly what: 'start' | 'resync' | Simply;
  readonly databaseUrl: string | undefined;
  readonly marketplaceUrl: string;
  readonly timeZone: string;
  readonly size: Size;
}

export interface Done {
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
  readonly seconds: number;
  /** What a resync found, in days. */
  readonly differing: number;
  /** What the simpler ways wrote. */
  readonly writes: number;
}

const ROOMY = { writesPerMinute: 1_000_000, writesPerHour: 500_000, requestsPerHour: 1_000_000 };

export async function apart(work: Work): Promise<Done> {
  const child = fork(fileURLToPath(import.meta.url), ['apart', JSON.stringify(work)]);
  return await new Promise<Done>((resolve, reject) => {
    child.once('message', (done) => resolve(done as Done));
    child.once('exit', (code) => reject(new Error(`${work.what} ended with ${code}`)));
  });
}

async function doIt({ what, databaseUrl, marketplaceUrl, timeZone, size }: Work): Promise<Done> {
  const credentials = { clientId: 'bench', clientSecret: 'bench' };
  const account = { id: 'bench', baseUrl: marketplaceUrl, ...credentials, timeZone, limits: ROOMY };
  const engine = new Slotkeeper({
    databaseUrl,
    encryptionKey: '5ea1'.repeat(16),
    log: createLog('error'),
    config: { accounts: [account], calendars: calendarsOf(size) },
    ...(what === 'resync' ? {} : { roles: [] }),
  });
  await engine.start();
  try {
    let [differing, writes] = [0, 0];
    const effort = await effortOf(async () => {
      if (what === 'resync') differing = await resynced(engine);
      else if (what !== 'start') writes = await write(engine, { marketplaceUrl, timeZone, size, how: what });
    });
    return { ...effort, differing, writes };
  } finally {
    await engine.stop();
  }
}

async function effortOf(work: () => Promise<void>): Promise<Omit<Done, 'differing' | 'writes'>> {
  const [cpu, begun] = [process.cpuUsage(), performance.now()];
  let peak = process.memoryUsage.rss();
  const look = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20);
  await work().finally(() => clearInterval(look));
  const { user, system } = process.cpuUsage(cpu);
  return {
    cpuSeconds: (user + system) / 1e6,
    peakMegabytes: peak / 1_048_576,
    seconds: (performance.now() - begun) / 1_000,
  };
}

/** @returns how many days differed */
async function resynced(engine: Slotkeeper): Promise<number> {
  const { id } = await engine.resyncs.begin({});
  let report = await engine.resyncs.report(id);
  while (report?.finishedAt === null) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    report = await engine.resyncs.report(id);
  }
  if (report?.state !== 'done' || report.failures.length > 0) throw new Error('the resync failed');
  const { missing, extra, stale, foreign } = report.differences;
  return missing + extra + stale + foreign;
}

const [, , asked, work] = process.argv;
if (asked === 'apart' && work !== undefined && process.send !== undefined) {
  const done = await doIt(JSON.parse(work) as Work);
  process.send(done, () => process.exit());
}
