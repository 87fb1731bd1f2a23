/** `slotkeeper resync`: makes sure of everything now, and shows how far it is. */
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

const LOOK_EVERY_MS = 250;
/** Every five seconds what waits for somebody is looked after: a scheduler may be nowhere. */
const CHECKS_UNTIL_MAINTENANCE = 20;

export function resyncCommand(io: Io): Command {
  return new Command('resync')
    .description(
      'compare everything that the marketplace shows with what it should show, and write what differs',
    )
    .option('--calendar <id...>', 'only these')
    .option('--dry-run', 'tell what differs, day by day, and write nothing')
    .option('--json', 'the report, for machines')
    .addOption(configOption())
    .action(async ({ calendar, dryRun = false, json = false, config }: Flags) => {
      const settings = readSettings(io);
      const { log } = settings;
      const { stdout, stderr, timers } = io;
      // A bar and lines of a log on one terminal would draw over one another.
      if (stderr.isTTY === true && log.isLevelEnabled('info')) log.level = 'warn';
      const progress = progressOn(stderr, io.now);
      // Where nobody else is there to do it, this process does. To tell what differs takes nobody.
      const roles: readonly Role[] = dryRun ? [] : ['worker'];
      const report = await withEngine(io, { file: config, roles, settings }, (reached) => {
        if (reached.kind === 'engine' && dryRun) return look(reached.engine.resyncs, calendar, progress);
        const request = { calendars: calendar, dryRun };
        if (reached.kind === 'http') return follow(reached.api.resyncs, request, progress, timers);
        const { resyncs } = reached.engine;
        return follow(resyncs, request, progress, timers, () => resyncs.runMaintenance());
      });
      if (json) stdout.write(`${JSON.stringify(report)}\n`);
      else {
        const days = dryRun ? describeDays(report, { colour: showsColours(io) }) : '';
        stdout.write(`${days}${describeReport(report)}`);
      }
      if (report.state === 'failed' || report.failures.length > 0) throw new ReportedError();
    });
}

async function look(
  resyncs: OwnResyncs,
  calendars: readonly string[] | undefined,
  progress: Progress,
): Promise<ResyncReport> {
  const report = await resyncs.look({ calendars }, (far) => progress.show(far)).catch(refused);
  progress.end();
  return report;
}

function refused(error: unknown): never {
  throw error instanceof UnknownCalendarsError ? new UsageError(error.message) : error;
}

async function follow(
  resyncs: ResyncsApi,
  request: { calendars?: readonly string[] | undefined; dryRun: boolean },
  progress: Progress,
  timers: Timers,
  tend: () => Promise<void> = async () => undefined,
): Promise<ResyncReport> {
  const { id } = await resyncs.begin(request).catch(refused);
  for (let look = 1; ; look += 1) {
    if (look % CHECKS_UNTIL_MAINTENANCE === 0) await tend();
    const report = await resyncs.report(id);
    if (report === undefined) throw new Error(`the resync ${id} is gone`);
    progress.show(report);
    if (report.finishedAt !== null) {
      progress.end();
      return report;
    }
    await timers.sleep(LOOK_EVERY_MS);
  }
}
