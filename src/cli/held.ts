/** `slotkeeper held`: what would take away too much and waits for a person; to be released or dropped. */
import { Command } from 'commander';
import type { HeldChangesApi, HeldItem } from '../api/held-changes-api.js';
import { withEngine } from './connect.js';
import { ReportedError, UsageError } from './exit.js';
import type { Io } from './io.js';
import { plural } from './plural.js';
import { configOption } from './settings.js';

export function heldCommand(io: Io): Command {
  const command = new Command('held').description('what would take away too much and waits for a person');
  command
    .command('list')
    .description('what is held, and why')
    .option('--json', 'for machines')
    .addOption(configOption())
    .action(async ({ json = false, config }: { json?: boolean; config?: string }) => {
      const items = await withHolds(io, config, (holds) => holds.list());
      io.stdout.write(json ? `${JSON.stringify(items)}\n` : describe(items));
    });
  for (const verb of ['release', 'drop'] as const) {
    command
      .command(verb)
      .description(verb === 'release' ? 'do what was held after all' : 'forget it: all stays as it is')
      .argument('[ids...]', 'as `held list` shows them')
      .option('--all', 'everything that is held')
      .addOption(configOption())
      .action(async (ids: string[], { all = false, config }: { all?: boolean; config?: string }) => {
        if (all === ids.length > 0) throw new UsageError(`held ${verb}: name ids, or say --all`);
        await settle(io, config, verb, ids);
      });
  }
  return command;
}

async function settle(
  io: Io,
  file: string | undefined,
  verb: 'release' | 'drop',
  ids: readonly string[],
): Promise<void> {
  const { done, unknown } = await withHolds(io, file, async (holds) => {
    const chosen = ids.length > 0 ? ids : (await holds.list()).map(({ id }) => id);
    return chosen.length > 0 ? await holds.settle(verb, chosen) : { done: 0, unknown: [] };
  });
  io.stdout.write(`${done} ${verb === 'release' ? 'released' : 'dropped'}\n`);
  for (const id of unknown) io.stderr.write(`slotkeeper: nothing is held under ${id}\n`);
  if (unknown.length > 0) throw new ReportedError();
}

async function withHolds<T>(
  io: Io,
  file: string | undefined,
  use: (holds: HeldChangesApi) => Promise<T>,
): Promise<T> {
  return await withEngine(io, { file }, (reached) =>
    use(reached.kind === 'engine' ? reached.engine.holds : reached.api.holds),
  );
}

function describe(items: readonly HeldItem[]): string {
  if (items.length === 0) return 'nothing is held\n';
  return items.map(describeOne).join('');
}

function describeOne({
  id,
  calendar,
  cause,
  from,
  to,
  heldAt,
  deletions,
  dates,
  releases,
}: HeldItem): string {
  const reasons = deletions.map(
    ({ scope, of, lost, total }) =>
      `  would take away ${lost} of ${total} ${of === 'windows' ? 'minutes of windows' : 'appointments'} of the ${scope}\n`,
  );
  const days = plural(dates.length, 'day');
  return [
    `${id}  ${calendar}: a ${cause} of ${from} to ${to}, held since ${heldAt}\n`,
    ...reasons,
    `  ${days} kept as they were${releases > 0 ? `, ${plural(releases, 'appointment')} not released` : ''}\n`,
  ].join('');
}
