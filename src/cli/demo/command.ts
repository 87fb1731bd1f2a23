/** `slotkeeper demo`: the main job, end to end, with nothing but this package. */
import { Command } from 'commander';
import { createLog } from '../../lib/log.js';
import { showsColours } from '../colours.js';
import { ReportedError } from '../exit.js';
import type { Io } from '../io.js';
import { drawDay, type Look } from './day-chart.js';
import { type Outcome, runScenario, type ScenarioResult } from './run-scenario.js';
import { doctors } from './scenario.js';

/** @param perform plays the morning */
export function demoCommand(io: Io, perform: typeof runScenario = runScenario): Command {
  return new Command('demo')
    .description("play a clinic's morning against the built-in marketplace; needs nothing else")
    .option('--json', 'for machines')
    .action(async ({ json = false }: { json?: boolean }) => {
      const begun = io.timers.elapsed();
      const say = (text: string): void => {
        if (!json) io.stdout.write(text);
      };
      say(
        'A clinic and a marketplace on this machine: an embedded database, a queue in it, and a sandbox that\n' +
          'behaves as the marketplace does. Each event at the desk is followed by what the marketplace was sent.\n\n',
      );
      // Warnings of the engine belong on stderr; the demo itself tells what happens.
      const outcome = await perform(io, createLog('warn', io.stderr), {
        onProgress: (message) => (json ? undefined : say(`… ${message}\n`)),
        onPlayed: (played) => say(describe(played)),
      });
      const seconds = Math.round(io.timers.elapsed() - begun) / 1000;
      if (json) io.stdout.write(`${JSON.stringify({ ...outcome, seconds })}\n`);
      else say(conclude(outcome, seconds, lookOn(io)));
      if (!outcome.equal) throw new ReportedError();
    });
}

/** Colours only where somebody looks at a terminal, and never where NO_COLOR is set. */
const lookOn = (io: Io): Look => ({
  colour: io.stdout.isTTY === true && io.env.NO_COLOR === undefined && showsColours(io),
});

const clock = (instant: string): string => instant.slice(11, 16);

function describe({ happening, published }: ScenarioResult): string {
  const name = doctors.find(({ id }) => id === happening.doctor)?.name ?? happening.doctor;
  const { slots = [] } = (published.body ?? {}) as { slots?: readonly { start: string; end: string }[] };
  const periods = slots.map(({ start, end }) => `${clock(start)}–${clock(end)}`).join('  ');
  return (
    `\n● ${name}: ${happening.says}\n` +
    `  ${published.method} ${published.path} → ${published.status} after ${published.latencyMs} ms\n` +
    `  on sale: ${periods || 'nothing'}\n`
  );
}

function conclude({ date, days, equal }: Outcome, seconds: number, look: Look): string {
  const shown = days.reduce((sum, day) => sum + day.shown.length, 0);
  const verdict = equal
    ? `✔ the marketplace shows exactly what the core computes: ${shown} bookable starts of ${days.length} doctors`
    : `✘ the marketplace shows something else than the core computes: ${days
        .filter((day) => !day.equal)
        .map(({ doctor }) => doctor.name)
        .join(', ')}`;
  return `\n${date}\n${drawDay(days, look)}\n${verdict} (${seconds} s in all)\n`;
}
