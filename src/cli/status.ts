/** `slotkeeper status`: how it stands, what needs a person first. */
import { Command } from 'commander';
import type { ConflictItem } from '../monitoring/conflicts.js';
import type { Status } from '../monitoring/status.js';
import { showsColours } from './colours.js';
import { withEngine } from './connect.js';
import { ReportedError } from './exit.js';
import type { Io } from './io.js';
import { configOption } from './settings.js';
import { describeStatus, needsPerson } from './status-text.js';

interface Flags {
  readonly json?: boolean;
  readonly check?: boolean;
  readonly config?: string;
}

export function statusCommand(io: Io): Command {
  return new Command('status')
    .description('what needs a person, what waits to be published, and how old the oldest of it is')
    .option('--json', 'for machines')
    .option('--check', 'exit with 1 where a person is needed')
    .addOption(configOption())
    .action(async ({ json = false, check = false, config }: Flags) => {
      const { status, conflicts } = await readStatus(io, config);
      io.stdout.write(
        json
          ? `${JSON.stringify(status)}\n`
          : describeStatus(status, conflicts, { colour: showsColours(io), now: io.now() }),
      );
      if (check && needsPerson(status)) throw new ReportedError();
    });
}

async function readStatus(
  io: Io,
  file: string | undefined,
): Promise<{ readonly status: Status; readonly conflicts: readonly ConflictItem[] }> {
  return await withEngine(io, { file }, async (reached) => {
    const asked = reached.kind === 'engine' ? reached.engine : reached.api;
    const status = await asked.status();
    return { status, conflicts: status.conflicts > 0 ? await asked.conflicts() : [] };
  });
}
