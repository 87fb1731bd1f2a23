/** `slotkeeper demo`: runs the engine end to end against the sandbox, without further requirements. */
import { Command } from 'commander';
import { createLog } from '../../lib/log.js';
import { showsColours } from '../colours.js';
import { type ChartFormat, drawDayChart } from '../day-chart.js';
import { ReportedError } from '../exit.js';
import type { Io } from '../io.js';
import { type Outcome, runScenario, type ScenarioResult } from './run-scenario.js';
import { doctors } from './scenario.js';

/** @param run runs the scenario */
export function demoCommand(io: Io, run: typeof runScenario = runScenario): Command {
  return new Command('demo')
    .description('run a scenario of a clinic against the built-in sandbox; requires nothing else')
    .option('--json', 'print JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const startedAt = io.timers.elapsed();
      const print = (text: string): void => {
        if (!json) io.stdout.write(text);
      };
      print(
        'A clinic and a marketplace on this machine: an embedded database with a queue, and a sandbox that\n' +
          'simulates the marketplace. Each event of the clinic is followed by the request to the marketplace.\n\n',
      );
      // The engine logs only warnings, to stderr.
      const outcome = await run(io, createLog('warn', io.stderr), {
        onProgress: (message) => print(`… ${message}\n`),
        onStep: (step) => print(describeStep(step)),
      });
      const seconds = Math.round(io.timers.elapsed() - startedAt) / 1000;
      if (json) io.stdout.write(`${JSON.stringify({ ...outcome, seconds })}\n`);
      else print(describeOutcome(outcome, seconds, chartFormat(io)));
      if (!outcome.equal) throw new ReportedError();
    });
}

/** Colours only on a terminal, and never where NO_COLOR is set. */
const chartFormat = (io: Io): ChartFormat => ({
  colour: io.stdout.isTTY === true && io.env.NO_COLOR === undefined && showsColours(io),
});

const timeOf = (instant: string): string => instant.slice(11, 16);

function describeStep({ happening, published }: ScenarioResult): string {
  const name = doctors.find(({ id }) => id === happening.doctor)?.name ?? happening.doctor;
  const { slots = [] } = (published.body ?? {}) as { slots?: readonly { start: string; end: string }[] };
  const periods = slots.map(({ start, end }) => `${timeOf(start)}–${timeOf(end)}`).join('  ');
  return (
    `\n● ${name}: ${happening.says}\n` +
    `  ${published.method} ${published.path} → ${published.status} after ${published.latencyMs} ms\n` +
    `  on sale: ${periods || 'nothing'}\n`
  );
}

function describeOutcome({ date, days, equal }: Outcome, seconds: number, format: ChartFormat): string {
  const shown = days.reduce((sum, day) => sum + day.shown.length, 0);
  const verdict = equal
    ? `✔ the marketplace shows exactly what the core computes: ${shown} bookable starts of ${days.length} doctors`
    : `✘ the marketplace does not show what the core computes: ${days
        .filter((day) => !day.equal)
        .map(({ doctor }) => doctor.name)
        .join(', ')}`;
  return `\n${date}\n${drawDayChart(
    days.map(({ doctor, day }) => ({ name: doctor.name, day })),
    format,
  )}\n${verdict} (${seconds} s in all)\n`;
}
