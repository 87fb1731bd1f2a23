/** `slotkeeper failed`: what failed, with its reason; to be tried again or dropped. */
import { Command } from 'commander';
import type { Failure, FailuresApi } from '../api/failures-api.js';
import { withEngine } from './connect.js';
import { ReportedError, UsageError } from './exit.js';
import type { Io } from './io.js';
import { configOption } from './settings.js';

export function failedCommand(io: Io): Command {
  const command = new Command('failed').description(
    'days, calendars, services, bookings, events and notifications that failed',
  );
  command
    .command('list')
    .description('what failed, and why')
    .option('--json', 'for machines')
    .addOption(configOption())
    .action(async ({ json = false, config }: { json?: boolean; config?: string }) => {
      const items = await withFailures(io, config, (failures) => failures.list());
      io.stdout.write(json ? `${JSON.stringify(items)}\n` : describe(items));
    });
  for (const verb of ['retry', 'drop'] as const) {
    command
      .command(verb)
      .description(verb === 'retry' ? 'try again' : 'give up: what it was about is no longer wanted')
      .argument('[ids...]', 'as `failed list` shows them')
      .option('--all', 'everything that failed')
      .addOption(configOption())
      .action(async (ids: string[], { all = false, config }: { all?: boolean; config?: string }) => {
        if (all === ids.length > 0) throw new UsageError(`failed ${verb}: name ids, or say --all`);
        await settle(io, config, verb, ids);
      });
  }
  return command;
}

async function settle(
  io: Io,
  file: string | undefined,
  verb: 'retry' | 'drop',
  ids: readonly string[],
): Promise<void> {
  const { done, unknown } = await withFailures(io, file, async (failures) => {
    const chosen = ids.length > 0 ? ids : await allOf(failures, verb);
    return chosen.length > 0 ? await failures.settle(verb, chosen) : { done: 0, unknown: [] };
  });
  io.stdout.write(`${done} ${verb === 'retry' ? 'tried again' : 'dropped'}\n`);
  for (const id of unknown) io.stderr.write(`slotkeeper: nothing failed under ${id}\n`);
  if (unknown.length > 0) throw new ReportedError();
}

/** Refused accounts, and deliveries that are tried again, cannot be dropped: they are not named with what can. */
async function allOf(failures: FailuresApi, verb: 'retry' | 'drop'): Promise<readonly string[]> {
  const all = await failures.list();
  return all.filter(({ kind }) => verb === 'retry' || !KEPT.includes(kind)).map(({ id }) => id);
}

const KEPT: readonly Failure['kind'][] = ['account', 'delivery'];

async function withFailures<T>(
  io: Io,
  file: string | undefined,
  use: (failures: FailuresApi) => Promise<T>,
): Promise<T> {
  return await withEngine(io, { file }, (reached) =>
    use(reached.kind === 'engine' ? reached.engine.failures : reached.api.failures),
  );
}

function describe(items: readonly Failure[]): string {
  if (items.length === 0) return 'nothing failed\n';
  return items.map(describeOne).join('');
}

function describeOne(failure: Failure): string {
  const lists =
    failure.kind === 'day' && failure.expected !== undefined && failure.shown !== undefined
      ? `  sent:  ${failure.expected.join(' ')}\n  shown: ${failure.shown.join(' ')}\n`
      : '';
  const since = failure.kind === 'service' || failure.kind === 'account' ? ` (since ${failure.since})` : '';
  const again =
    'retryAt' in failure && failure.retryAt !== null ? `  tried again at ${failure.retryAt}\n` : '';
  const event = failure.kind === 'event' && failure.event !== null ? `  event ${failure.event}` : '';
  return `${failure.id}${event}\n  ${failure.reason}${since}\n${again}${lists}`;
}
