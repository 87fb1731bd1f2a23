/** `slotkeeper resync`: runs a full resync and shows its progress. */
import { Command } from 'commander';
import type { OwnResyncs, ResyncReport, ResyncsApi } from '../../api/resyncs-api.js';
import type { Role } from '../../api/roles.js';
import type { Timers } from '../../lib/timers.js';
import { UnknownCalendarsError } from '../../resync/unknown-calendars-error.js';
import { showsColours } from '../colours.js';
import { withEngine } from '../connect.js';
import { ReportedError, UsageError } from '../exit.js';
import type { Io } from '../io.js';
import { configOption, readSettings } from '../settings.js';
import { type Progress, progressOn } from './progress-bar.js';
import { describeDays, describeReport } from './resync-text.js';

interface Flags {
  readonly calendar?: readonly string[];
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly config?: string;
}

const POLL_EVERY_MS = 250;
/** The periodic work of a scheduler runs every five seconds, because there may be no scheduler. */
const POLLS_UNTIL_MAINTENANCE = 20;

export function resyncCommand(io: Io): Command {
  return new Command('resync')
    .description(
      'compare everything that the marketplace shows with what it should show, and write the differences',
    )
    .option('--calendar <id...>', 'only these calendars')
    .option('--dry-run', 'list the differences by day, and write nothing')
    .option('--json', 'print the report as JSON')
    .addOption(configOption())
    .action(async ({ calendar, dryRun = false, json = false, config }: Flags) => {
      const settings = readSettings(io);
      const { log } = settings;
      const { stdout, stderr, timers } = io;
      // The progress bar and log lines would overwrite each other on a terminal.
      if (stderr.isTTY === true && log.isLevelEnabled('info')) log.level = 'warn';
      const progress = progressOn(stderr, io.now);
      // This process also works as a worker, because there may be no other. A dry run needs no worker.
      const roles: readonly Role[] = dryRun ? [] : ['worker'];
      const report = await withEngine(io, { file: config, roles, settings }, (connected) => {
        if (connected.kind === 'engine' && dryRun)
          return runDry(connected.engine.resyncs, calendar, progress);
        const request = { calendars: calendar, dryRun };
        if (connected.kind === 'http') return beginAndWait(connected.api.resyncs, request, progress, timers);
        const { resyncs } = connected.engine;
        return beginAndWait(resyncs, request, progress, timers, () => resyncs.runMaintenance());
      });
      if (json) stdout.write(`${JSON.stringify(report)}\n`);
      else {
        const days = dryRun ? describeDays(report, { colour: showsColours(io) }) : '';
        stdout.write(`${days}${describeReport(report)}`);
      }
      if (report.state === 'failed' || report.failures.length > 0) throw new ReportedError();
    });
}

async function runDry(
  resyncs: OwnResyncs,
  calendars: readonly string[] | undefined,
  progress: Progress,
): Promise<ResyncReport> {
  const report = await resyncs.dryRun({ calendars }, (state) => progress.show(state)).catch(throwUsageError);
  progress.end();
  return report;
}

function throwUsageError(error: unknown): never {
  throw error instanceof UnknownCalendarsError ? new UsageError(error.message) : error;
}

async function beginAndWait(
  resyncs: ResyncsApi,
  request: { calendars?: readonly string[] | undefined; dryRun: boolean },
  progress: Progress,
  timers: Timers,
  runMaintenance: () => Promise<void> = async () => undefined,
): Promise<ResyncReport> {
  const { id } = await resyncs.begin(request).catch(throwUsageError);
  for (let polls = 1; ; polls += 1) {
    if (polls % POLLS_UNTIL_MAINTENANCE === 0) await runMaintenance();
    const report = await resyncs.report(id);
    if (report === undefined) throw new Error(`the resync ${id} was deleted`);
    progress.show(report);
    if (report.finishedAt !== null) {
      progress.end();
      return report;
    }
    await timers.sleep(POLL_EVERY_MS);
  }
}
