/** `slotkeeper held`: lists changes that would remove too much and wait for a person, and releases or drops them. */
import { Command } from 'commander';
import type { HeldChangesApi, HeldItem } from '../api/held-changes-api.js';
import { withEngine } from './connect.js';
import { ReportedError, UsageError } from './exit.js';
import type { Io } from './io.js';
import { plural } from './plural.js';
import { configOption } from './settings.js';

export function heldCommand(io: Io): Command {
  const command = new Command('held').description('changes that would remove too much and wait for a person');
  command
    .command('list')
    .description('list held changes with their reasons')
    .option('--json', 'print JSON')
    .addOption(configOption())
    .action(async ({ json = false, config }: { json?: boolean; config?: string }) => {
      const items = await withHeldChanges(io, config, (holds) => holds.list());
      io.stdout.write(json ? `${JSON.stringify(items)}\n` : describe(items));
    });
  for (const verb of ['release', 'drop'] as const) {
    command
      .command(verb)
      .description(verb === 'release' ? 'apply held changes' : 'drop held changes: everything stays as it is')
      .argument('[ids...]', 'ids from `held list`')
      .option('--all', 'all held changes')
      .addOption(configOption())
      .action(async (ids: string[], { all = false, config }: { all?: boolean; config?: string }) => {
        if (all === ids.length > 0) throw new UsageError(`held ${verb}: give ids or --all`);
        await resolve(io, config, verb, ids);
      });
  }
  return command;
}

async function resolve(
  io: Io,
  file: string | undefined,
  verb: 'release' | 'drop',
  ids: readonly string[],
): Promise<void> {
  const { done, unknown } = await withHeldChanges(io, file, async (holds) => {
    const chosen = ids.length > 0 ? ids : (await holds.list()).map(({ id }) => id);
    return chosen.length > 0 ? await holds.settle(verb, chosen) : { done: 0, unknown: [] };
  });
  io.stdout.write(`${done} ${verb === 'release' ? 'released' : 'dropped'}\n`);
  for (const id of unknown) io.stderr.write(`slotkeeper: there is no held change ${id}\n`);
  if (unknown.length > 0) throw new ReportedError();
}

async function withHeldChanges<T>(
  io: Io,
  file: string | undefined,
  use: (holds: HeldChangesApi) => Promise<T>,
): Promise<T> {
  return await withEngine(io, { file }, (connected) =>
    use(connected.kind === 'engine' ? connected.engine.holds : connected.api.holds),
  );
}

function describe(items: readonly HeldItem[]): string {
  if (items.length === 0) return 'nothing is held\n';
  return items.map(describeHeldChange).join('');
}

function describeHeldChange({
  id,
  calendar,
  cause,
  from,
  to,
  heldAt,
  losses,
  dates,
  releases,
}: HeldItem): string {
  const reasons = losses.map(
    ({ scope, of, lost, total }) =>
      `  would remove ${lost} of ${total} ${of === 'windows' ? 'minutes of windows' : 'appointments'} of the ${scope}\n`,
  );
  const days = plural(dates.length, 'day');
  return [
    `${id}  ${calendar}: a ${cause} of ${from} to ${to}, held since ${heldAt}\n`,
    ...reasons,
    `  ${days} unchanged${releases > 0 ? `, ${plural(releases, 'appointment')} not released` : ''}\n`,
  ].join('');
}
