/** `slotkeeper enqueue`: occupancy events from a file of JSON lines to the queue. */
import { Command } from 'commander';
import { check, describe } from '../check.js';
import { eventSchema, type OccupancyEventInput } from '../intake/vocabulary.js';
import { ReportedError, UsageError } from './exit.js';
import type { Io, Output } from './io.js';
import { withEngine } from './reach.js';
import { parseJson, readInput } from './read-input.js';
import { configOption } from './settings.js';

const BATCH = 1_000;

interface Line {
  readonly number: number;
  readonly event: OccupancyEventInput;
}

export function enqueueCommand(io: Io): Command {
  return new Command('enqueue')
    .description('put occupancy events on the queue (NDJSON: one event a line)')
    .argument('<file>', 'a file, or - for stdin')
    .addOption(configOption())
    .action(async (file: string, { config }: { config?: string }) => {
      const source = file === '-' ? 'stdin' : file;
      const { good, bad } = readEvents(await readInput(file, io), source, io.stderr);
      let rejected = 0;
      await withEngine(io, { file: config }, async (reached) => {
        for (let from = 0; from < good.length; from += BATCH) {
          const batch = good.slice(from, from + BATCH);
          const events = batch.map(({ event }) => event);
          if (reached.kind === 'engine') {
            await reached.engine.enqueue(events);
            continue;
          }
          const result = await reached.api.events(events);
          rejected += result.rejected.length;
          for (const { index, reason } of result.rejected) {
            io.stderr.write(`${source}:${batch[index]?.number ?? '?'}: ${reason}\n`);
          }
        }
      });
      io.stdout.write(`${good.length - rejected} events enqueued, ${bad + rejected} refused\n`);
      if (bad + rejected > 0) throw new ReportedError();
    });
}

/** The events that can be read; what is wrong with the others is said with their line. */
function readEvents(text: string, source: string, stderr: Output): { good: Line[]; bad: number } {
  const good: Line[] = [];
  let bad = 0;
  text.split('\n').forEach((line, index) => {
    if (line.trim() === '') return;
    const number = index + 1;
    try {
      const checked = check(eventSchema, parseJson(line, `${source}:${number}`));
      if (!checked.success) throw new UsageError(`${source}:${number}: ${describe(checked.problems[0])}`);
      good.push({ number, event: checked.data });
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      bad += 1;
      stderr.write(`${error.message}\n`);
    }
  });
  return { good, bad };
}
