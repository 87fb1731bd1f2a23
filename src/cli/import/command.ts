/** `slotkeeper import`: snapshots of the clinic from files of JSON lines into the record, each by itself. */
import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { z } from 'zod';
import { refSchema } from '../../clinic/event-schema.js';
import { type Line, readLines } from '../../clinic/snapshots/ndjson.js';
import { closingLineSchema } from '../../clinic/snapshots/snapshot-schema.js';
import { formatProblem, validateShape } from '../../lib/validation.js';
import { type Connected, withEngine } from '../connect.js';
import { ReportedError } from '../exit.js';
import type { Io } from '../io.js';
import { plural } from '../plural.js';
import { configOption } from '../settings.js';
import { type ImportFile, listFiles } from './files.js';
import { takeSnapshot } from './import-snapshot.js';
import { Progress } from './progress-line.js';

/** All else is checked where it is taken in. */
const lineSchema = z.looseObject({ calendar: refSchema, takenAt: z.unknown().optional() });

export function importCommand(io: Io): Command {
  return new Command('import')
    .description('take snapshots of the clinic into the record (NDJSON: one snapshot a line)')
    .argument('<files...>', 'files, folders of .ndjson files, or - for stdin')
    .option('--taken-at <instant>', 'when the clinic was asked, for lines that do not say it')
    .option('--json', 'what became of each snapshot, one a line')
    .addOption(configOption())
    .action(async (names: string[], { takenAt, json = false, config }: Flags) => {
      const files = listFiles(names, io);
      const run = new Import(io, json, takenAt);
      await withEngine(io, { file: config }, (reached) => run.all(reached, files));
      if (!json) io.stdout.write(run.summary());
      if (run.refused + run.refusedEntries > 0) throw new ReportedError();
    });
}

interface Flags {
  readonly takenAt?: string;
  readonly json?: boolean;
  readonly config?: string;
}

class Import {
  /** What all of it would take away is weighed together. */
  readonly #run = randomUUID();
  readonly #json: boolean;
  readonly #takenAt: string | undefined;
  readonly #io: Io;
  readonly #progress: Progress;
  readonly #sum = { snapshots: 0, changedDays: 0, occupied: 0, released: 0, held: 0 };
  /** Calendars of which something could not be read: nothing more is removed of them. */
  readonly #gaps = new Set<string>();
  refused = 0;
  /** Windows and appointments of snapshots that were taken in. */
  refusedEntries = 0;

  constructor(io: Io, json: boolean, takenAt: string | undefined) {
    this.#io = io;
    this.#progress = new Progress(io.stderr, () => io.timers.elapsed());
    this.#json = json;
    this.#takenAt = takenAt;
  }

  async all(reached: Connected, files: readonly ImportFile[]): Promise<void> {
    for (const file of files) {
      let bytes = 0;
      const counted = async function* () {
        for await (const chunk of file.open()) {
          bytes += chunk.length;
          yield chunk;
        }
      };
      for await (const line of readLines(counted())) {
        await this.#take(reached, file, line);
        this.#progress.show(file.name, this.#sum.snapshots, file.bytes && bytes / file.bytes);
      }
    }
    this.#progress.clear();
  }

  summary(): string {
    const { snapshots, changedDays, occupied, released, held } = this.#sum;
    const entries =
      this.refusedEntries === 0 ? '' : `, ${plural(this.refusedEntries, 'entry', 'entries')} refused`;
    return (
      `${plural(snapshots, 'snapshot')} taken in, ${this.refused} refused: ${plural(changedDays, 'day')} changed, ` +
      `${occupied} occupied, ${released} released, ${held} held${entries}\n`
    );
  }

  async #take(reached: Connected, file: ImportFile, line: Line): Promise<void> {
    if (line.kind === 'unreadable') return this.#refuse(file, line, line.reason);
    // What a source ends with; here each line speaks for itself.
    if (closingLineSchema.safeParse(line.value).success) return;
    const checked = validateShape(lineSchema, line.value);
    if (!checked.success) return this.#refuse(file, line, formatProblem(checked.problems[0]));
    const { calendar, ...said } = checked.data;
    const takenAt = said.takenAt ?? this.#takenAt ?? file.begunAt;
    const snapshot = { ...said, takenAt, ...(this.#gaps.has(calendar) ? { complete: false } : {}) };
    const taken = await takeSnapshot(reached, calendar, snapshot, this.#run);
    if (taken.kind === 'refused') {
      this.#gaps.add(calendar);
      const isOurs =
        said.takenAt === undefined && this.#takenAt === undefined && taken.reason.startsWith('takenAt');
      return this.#refuse(file, line, isOurs ? `${taken.reason} (the age of the file)` : taken.reason);
    }
    const { result } = taken;
    for (const { reason } of result.rejected) {
      this.refusedEntries += 1;
      this.#gaps.add(calendar);
      this.#say(`${file.name}:${line.number}: ${reason}`);
    }
    this.#sum.snapshots += 1;
    this.#sum.changedDays += result.changedDays;
    this.#sum.occupied += result.occupied;
    this.#sum.released += result.released;
    if (result.held !== null) {
      this.#sum.held += 1;
      this.#say(`${file.name}:${line.number}: ${calendar} would lose too much: held as ${result.held.id}`);
    }
    if (this.#json) {
      this.#io.stdout.write(
        `${JSON.stringify({ file: file.name, line: line.number, calendar, ...result })}\n`,
      );
    }
  }

  #refuse(file: ImportFile, line: Line, reason: string): void {
    this.refused += 1;
    this.#say(`${file.name}:${line.number}: ${reason}`);
  }

  #say(message: string): void {
    this.#progress.clear();
    this.#io.stderr.write(`${message}\n`);
  }
}
