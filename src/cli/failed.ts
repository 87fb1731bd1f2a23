/** `slotkeeper failed`: lists failures with their reasons, and retries or drops them. */
import { Command } from 'commander';
import type { Failure, FailuresApi } from '../api/failures-api.js';
import { withEngine } from './connect.js';
import { ReportedError, UsageError } from './exit.js';
import type { Io } from './io.js';
import { configOption } from './settings.js';

export function failedCommand(io: Io): Command {
  const command = new Command('failed').description(
    'failed accounts, calendars, days, services, bookings, events and notifications',
  );
  command
    .command('list')
    .description('list failures with their reasons')
    .option('--json', 'print JSON')
    .addOption(configOption())
    .action(async ({ json = false, config }: { json?: boolean; config?: string }) => {
      const items = await withFailures(io, config, (failures) => failures.list());
      io.stdout.write(json ? `${JSON.stringify(items)}\n` : describe(items));
    });
  for (const verb of ['retry', 'drop'] as const) {
    command
      .command(verb)
      .description(verb === 'retry' ? 'retry failures' : 'drop failures: they are not retried')
      .argument('[ids...]', 'ids from `failed list`')
      .option('--all', 'all failures')
      .addOption(configOption())
      .action(async (ids: string[], { all = false, config }: { all?: boolean; config?: string }) => {
        if (all === ids.length > 0) throw new UsageError(`failed ${verb}: give ids or --all`);
        await resolve(io, config, verb, ids);
      });
  }
  return command;
}

async function resolve(
  io: Io,
  file: string | undefined,
  verb: 'retry' | 'drop',
  ids: readonly string[],
): Promise<void> {
  const { done, unknown } = await withFailures(io, file, async (failures) => {
    const chosen = ids.length > 0 ? ids : await listIds(failures, verb);
    return chosen.length > 0 ? await failures.settle(verb, chosen) : { done: 0, unknown: [] };
  });
  io.stdout.write(`${done} ${verb === 'retry' ? 'retried' : 'dropped'}\n`);
  for (const id of unknown) io.stderr.write(`slotkeeper: there is no failure ${id}\n`);
  if (unknown.length > 0) throw new ReportedError();
}

/** Refused accounts and waiting deliveries cannot be dropped. */
async function listIds(failures: FailuresApi, verb: 'retry' | 'drop'): Promise<readonly string[]> {
  const all = await failures.list();
  return all.filter(({ kind }) => verb === 'retry' || !RETRY_ONLY.includes(kind)).map(({ id }) => id);
}

const RETRY_ONLY: readonly Failure['kind'][] = ['account', 'delivery'];

async function withFailures<T>(
  io: Io,
  file: string | undefined,
  use: (failures: FailuresApi) => Promise<T>,
): Promise<T> {
  return await withEngine(io, { file }, (connected) =>
    use(connected.kind === 'engine' ? connected.engine.failures : connected.api.failures),
  );
}

function describe(items: readonly Failure[]): string {
  if (items.length === 0) return 'there are no failures\n';
  return items.map(describeFailure).join('');
}

function describeFailure(failure: Failure): string {
  const lists =
    failure.kind === 'day' && failure.expected !== undefined && failure.shown !== undefined
      ? `  sent:  ${failure.expected.join(' ')}\n  shown: ${failure.shown.join(' ')}\n`
      : '';
  const since = failure.kind === 'service' || failure.kind === 'account' ? ` (since ${failure.since})` : '';
  const retry = 'retryAt' in failure && failure.retryAt !== null ? `  retried at ${failure.retryAt}\n` : '';
  const event = failure.kind === 'event' && failure.event !== null ? `  event ${failure.event}` : '';
  return `${failure.id}${event}\n  ${failure.reason}${since}\n${retry}${lists}`;
}
