// `npm run chaos`: chaos runs one after another, each with its own seed, one line each. A run that goes wrong says what
// is wrong and what its seed was, and is repeated with CHAOS_SEED (and the same backend and seconds).
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Backend, type ChaosReport, runChaos } from './chaos.js';

const BACKENDS: readonly Backend[] = ['pglite', 'postgresql', 'redis'];

const {
  CHAOS_SECONDS = '30',
  CHAOS_RUNS = '3',
  CHAOS_SEED,
  CHAOS_BACKEND,
  CHAOS_VERBOSE,
  CHAOS_PROGRAM,
} = process.env;

const chosen = BACKENDS.filter((backend) => (CHAOS_BACKEND ?? backend).split(',').includes(backend));
if (chosen.length === 0) throw new Error(`CHAOS_BACKEND is one of ${BACKENDS.join(', ')}`);
const first = CHAOS_SEED === undefined ? Date.now() % 1_000_000 : Number(CHAOS_SEED);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const totals = { runs: 0, failed: 0, events: 0, writes: 0, kills: 0, outages: 0 };
for (let n = 0; n < Number(CHAOS_RUNS); n += 1) {
  const backend = chosen[n % chosen.length] ?? 'pglite';
  const report = await runChaos({
    backend,
    seed: first + n,
    seconds: Number(CHAOS_SECONDS),
    restWithinSeconds: 240,
    severe: true,
    scarce: true,
    program: CHAOS_PROGRAM,
    ...(CHAOS_VERBOSE
      ? { onProgress: (what) => say(`  ${new Date().toISOString().slice(11, 23)} ${what}`) }
      : {}),
  });
  say(lineOf(report));
  totals.runs += 1;
  totals.events += report.events;
  totals.writes += report.writes;
  totals.kills += report.kills;
  totals.outages += report.outages;
  if (report.wrong.length === 0) continue;
  totals.failed += 1;
  process.exitCode = 1;
  for (const what of report.wrong) say(`  ${what}`);
  const file = join(tmpdir(), `slotkeeper-chaos-${backend}-${report.seed}.log`);
  await writeFile(file, report.log);
  say(`  CHAOS_SEED=${report.seed} CHAOS_BACKEND=${backend} CHAOS_RUNS=1 repeats it; its log is ${file}`);
}
say(JSON.stringify(totals));

function lineOf(report: ChaosReport): string {
  const { backend, seed, events, repeated, requests, writes, faults, kills, outages, ...rest } = report;
  const {
    hidings,
    placeholders,
    switches,
    resyncs,
    dryRuns,
    visits,
    conflicts,
    estateChanges,
    restMs,
    oldestMs,
    stalledMs,
    unjudged,
    wrong,
  } = rest;
  return [
    `${wrong.length === 0 ? 'ok   ' : 'WRONG'} ${backend} seed ${seed}:`,
    `${events} events (${repeated} deliveries repeated),`,
    `${requests} requests (${writes} writes, ${hidings} of breaks and placeholders, ${placeholders} placeholders booked, ${faults} faults),`,
    `${switches} changes of strategy, ${resyncs} resyncs (${dryRuns} dry runs),`,
    `${visits} visits booked online (${conflicts} conflicts),`,
    `${estateChanges} changes of services, addresses and the readings' lag,`,
    `${kills} kills, ${outages} outages, at rest after ${(restMs / 1000).toFixed(1)} s,`,
    `taken time known for at most ${oldestMs} ms when a write still offered it,`,
    `stalled ${stalledMs} ms, ${unjudged} overlaps unjudged`,
  ].join(' ');
}
