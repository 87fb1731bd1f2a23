/** `slotkeeper status`: prints the status of the engine, what needs a person first. */
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
    .description('what needs a person, and the number and age of pending changes')
    .option('--json', 'print JSON')
    .option('--check', 'exit with 1 if a person is needed')
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
  return await withEngine(io, { file }, async (connected) => {
    const source = connected.kind === 'engine' ? connected.engine : connected.api;
    const status = await source.status();
    return { status, conflicts: status.conflicts > 0 ? await source.conflicts() : [] };
  });
}
