/** `slotkeeper import`: applies a clinic's snapshots from files of JSON lines, one by one. */
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
import { importSnapshot } from './import-snapshot.js';
import { Progress } from './progress-line.js';

/** The engine validates the other fields. */
const lineSchema = z.looseObject({ calendar: refSchema, takenAt: z.unknown().optional() });

export function importCommand(io: Io): Command {
  return new Command('import')
    .description("apply a clinic's snapshots to the database (NDJSON: one snapshot per line)")
    .argument('<files...>', 'files, folders of .ndjson files, or - for stdin')
    .option('--taken-at <instant>', 'the time of snapshots whose line does not contain takenAt')
    .option('--json', 'print the result of each snapshot as a line of JSON')
    .addOption(configOption())
    .action(async (names: string[], { takenAt, json = false, config }: Flags) => {
      const files = listFiles(names, io);
      const run = new Import(io, json, takenAt);
      await withEngine(io, { file: config }, (connected) => run.importAll(connected, files));
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
  /** The deletion guard counts the deletions of the whole import together. */
  readonly #run = randomUUID();
  readonly #json: boolean;
  readonly #takenAt: string | undefined;
  readonly #io: Io;
  readonly #progress: Progress;
  readonly #sum = { snapshots: 0, changedDays: 0, occupied: 0, released: 0, held: 0 };
  /** Calendars with refused lines or entries; later snapshots remove nothing from them. */
  readonly #incomplete = new Set<string>();
  refused = 0;
  /** Refused windows and appointments of applied snapshots. */
  refusedEntries = 0;

  constructor(io: Io, json: boolean, takenAt: string | undefined) {
    this.#io = io;
    this.#progress = new Progress(io.stderr, () => io.timers.elapsed());
    this.#json = json;
    this.#takenAt = takenAt;
  }

  async importAll(connected: Connected, files: readonly ImportFile[]): Promise<void> {
    for (const file of files) {
      let bytes = 0;
      const countBytes = async function* () {
        for await (const chunk of file.open()) {
          bytes += chunk.length;
          yield chunk;
        }
      };
      for await (const line of readLines(countBytes())) {
        await this.#importLine(connected, file, line);
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
      `${plural(snapshots, 'snapshot')} applied, ${this.refused} refused: ${plural(changedDays, 'day')} changed, ` +
      `${occupied} occupied, ${released} released, ${held} held${entries}\n`
    );
  }

  async #importLine(connected: Connected, file: ImportFile, line: Line): Promise<void> {
    if (line.kind === 'unreadable') return this.#refuse(file, line, line.reason);
    // The last line of a source completes the source; in an import, each line is complete by itself.
    if (closingLineSchema.safeParse(line.value).success) return;
    const validated = validateShape(lineSchema, line.value);
    if (!validated.success) return this.#refuse(file, line, formatProblem(validated.problems[0]));
    const { calendar, ...fields } = validated.data;
    const takenAt = fields.takenAt ?? this.#takenAt ?? file.begunAt;
    const snapshot = { ...fields, takenAt, ...(this.#incomplete.has(calendar) ? { complete: false } : {}) };
    const imported = await importSnapshot(connected, calendar, snapshot, this.#run);
    if (imported.kind === 'refused') {
      this.#incomplete.add(calendar);
      const { reason } = imported;
      const isFileTime =
        fields.takenAt === undefined && this.#takenAt === undefined && reason.startsWith('takenAt');
      return this.#refuse(file, line, isFileTime ? `${reason} (the age of the file)` : reason);
    }
    const { result } = imported;
    for (const { reason } of result.rejected) {
      this.refusedEntries += 1;
      this.#incomplete.add(calendar);
      this.#report(`${file.name}:${line.number}: ${reason}`);
    }
    this.#sum.snapshots += 1;
    this.#sum.changedDays += result.changedDays;
    this.#sum.occupied += result.occupied;
    this.#sum.released += result.released;
    if (result.held !== null) {
      this.#sum.held += 1;
      this.#report(
        `${file.name}:${line.number}: the snapshot would remove too much of ${calendar}; it is held as ${result.held.id}`,
      );
    }
    if (this.#json) {
      this.#io.stdout.write(
        `${JSON.stringify({ file: file.name, line: line.number, calendar, ...result })}\n`,
      );
    }
  }

  #refuse(file: ImportFile, line: Line, reason: string): void {
    this.refused += 1;
    this.#report(`${file.name}:${line.number}: ${reason}`);
  }

  #report(message: string): void {
    this.#progress.clear();
    this.#io.stderr.write(`${message}\n`);
  }
}
