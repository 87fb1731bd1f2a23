/** `slotkeeper enqueue`: adds occupancy events from a file of JSON lines to the queue. */
import { Command } from 'commander';
import type { EventsResult } from '../clinic/events-result.js';
import type { OccupancyEvent } from '../clinic/occupancy-event.js';
import { droppedKeyWarning, formatProblems, parseEvent } from '../clinic/parse-event.js';
import { readJson } from '../lib/read-json.js';
import { formatProblem, type Problem } from '../lib/validation.js';
import { type Connected, withEngine } from './connect.js';
import { ReportedError } from './exit.js';
import type { Io } from './io.js';
import { plural } from './plural.js';
import { readInput } from './read-input.js';
import { configOption } from './settings.js';

const BATCH = 1_000;

interface Line {
  readonly number: number;
  readonly event: OccupancyEvent;
}

interface Flags {
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly config?: string;
}

export function enqueueCommand(io: Io): Command {
  return new Command('enqueue')
    .description('add occupancy events to the queue (NDJSON: one event per line)')
    .argument('<file>', 'a file, or - for stdin')
    .option('--dry-run', 'only report the outcome; store nothing')
    .option('--json', 'print JSON')
    .addOption(configOption())
    .action(async (file: string, flags: Flags) => {
      const run = new EnqueueRun(io, file === '-' ? 'stdin' : file, flags);
      const lines = run.parse(await readInput(file, io));
      await withEngine(io, { file: flags.config }, async (connected) => {
        for (let from = 0; from < lines.length; from += BATCH) {
          await run.send(connected, lines.slice(from, from + BATCH));
        }
      });
      io.stdout.write(run.summary());
      if (run.hasRejected) throw new ReportedError();
    });
}

class EnqueueRun {
  readonly #io: Io;
  readonly #source: string;
  readonly #flags: Flags;
  #enqueued = 0;
  readonly #sum = { accepted: 0, duplicates: 0, stale: 0, ignored: 0, past: 0 };
  readonly #rejected: { line: number; id: string | null; reason: string; problems: readonly Problem[] }[] =
    [];
  readonly #warnings: { line: number; id: string | null; path: string; reason: string }[] = [];
  readonly #differing: { line: number; id: string }[] = [];

  constructor(io: Io, source: string, flags: Flags) {
    this.#io = io;
    this.#source = source;
    this.#flags = flags;
  }

  get hasRejected(): boolean {
    return this.#rejected.length > 0;
  }

  /** Returns the valid events, and reports the problems of the others with their line. */
  parse(text: string): Line[] {
    return text.split('\n').flatMap((line, index): Line[] => {
      const number = index + 1;
      if (line.trim() === '') return [];
      const json = readJson(line);
      if (!json.success) {
        this.#reject(number, null, [{ path: '', reason: json.reason }]);
        return [];
      }
      const { id, event, problems, dropped } = parseEvent(json.value);
      for (const { path, reason } of dropped.map(droppedKeyWarning)) {
        this.#warnings.push({ line: number, id, path, reason });
        this.#report(number, `warning: ${formatProblem({ path, reason })}`);
      }
      if (event !== undefined) return [{ number, event }];
      this.#reject(number, id, problems);
      return [];
    });
  }

  async send(connected: Connected, lines: readonly Line[]): Promise<void> {
    const { dryRun = false } = this.#flags;
    const events = lines.map(({ event }) => event);
    if (connected.kind === 'engine' && !dryRun) {
      await connected.engine.enqueue(events);
      this.#enqueued += events.length;
      return;
    }
    const target = connected.kind === 'engine' ? connected.engine : connected.api;
    this.#addResult(await target.events(events, { dryRun }), lines);
  }

  #addResult(result: EventsResult, lines: readonly Line[]): void {
    const lineOf = (index: number): number => lines[index]?.number ?? 0;
    this.#enqueued += lines.length - result.rejected.length;
    for (const name of ['accepted', 'duplicates', 'stale', 'ignored', 'past'] as const) {
      this.#sum[name] += result[name];
    }
    for (const { index, id, problems } of result.rejected) this.#reject(lineOf(index), id, problems);
    for (const { index, id } of result.differing) {
      this.#differing.push({ line: lineOf(index), id });
      this.#report(
        lineOf(index),
        `warning: another event with the id "${id}" was applied before; this one is ignored`,
      );
    }
  }

  #reject(line: number, id: string | null, problems: readonly Problem[]): void {
    const reason = formatProblems(problems);
    this.#rejected.push({ line, id, reason, problems });
    this.#report(line, reason);
  }

  #report(line: number, message: string): void {
    this.#io.stderr.write(`${this.#source}:${line}: ${message}\n`);
  }

  summary(): string {
    const { dryRun = false, json = false } = this.#flags;
    const lists = { rejected: this.#rejected, warnings: this.#warnings, differing: this.#differing };
    if (json) return `${JSON.stringify({ enqueued: dryRun ? 0 : this.#enqueued, ...this.#sum, ...lists })}\n`;
    const { duplicates, stale, ignored, past } = this.#sum;
    const outcomes = [
      ...(duplicates > 0 ? [plural(duplicates, 'duplicate')] : []),
      ...(stale > 0 ? [`${stale} stale`] : []),
      ...(ignored > 0 ? [`${ignored} ignored`] : []),
      ...(past > 0 ? [`${past} in the past`] : []),
    ];
    const done = `${plural(this.#enqueued, 'event')} ${dryRun ? 'would be enqueued' : 'enqueued'}`;
    const details = outcomes.length === 0 ? '' : ` (${outcomes.join(', ')})`;
    return `${done}${details}, ${this.#rejected.length} refused\n`;
  }
}
