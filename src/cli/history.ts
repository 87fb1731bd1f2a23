/** `slotkeeper history`: prints what was received, wanted, sent and observed, and follows it. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { HISTORY_KINDS, type HistoryKind } from '../db/tables/history.js';
import type { HistoryItem } from '../monitoring/history.js';
import { withEngine } from './connect.js';
import { describeEntry } from './history-text.js';
import type { Io } from './io.js';
import { configOption } from './settings.js';

interface Flags {
  readonly calendar?: string;
  readonly date?: string;
  readonly ref?: string;
  readonly booking?: string;
  readonly account?: string;
  readonly kind?: HistoryKind;
  readonly limit: number;
  readonly follow?: boolean;
  readonly json?: boolean;
  readonly config?: string;
}

const MAX_LIMIT = 1_000;

export function historyCommand(io: Io): Command {
  return new Command('history')
    .description('what was received, wanted, sent and observed, the newest last')
    .option('--calendar <id>', 'of one calendar')
    .option('--date <date>', 'of one local date, such as 2026-11-30', parseDate)
    .option('--ref <ref>', 'of one appointment')
    .option('--booking <id>', 'of one booking of the marketplace')
    .option('--account <id>', 'of one account')
    .addOption(new Option('--kind <kind>', 'of one kind').choices(HISTORY_KINDS))
    .option('--limit <n>', `how many of the newest entries, at most ${MAX_LIMIT}`, parseLimit, 100)
    .option('--follow', 'go on with new entries until interrupted')
    .option('--json', 'print JSON, one entry a line')
    .addOption(configOption())
    .action(async ({ limit, follow = false, json = false, config, ...filter }: Flags) => {
      const print = (item: HistoryItem): void =>
        void io.stdout.write(json ? `${JSON.stringify(item)}\n` : describeEntry(item));
      await withEngine(io, { file: config }, async (connected) => {
        const source = connected.kind === 'engine' ? connected.engine : connected.api;
        const { items } = await source.history({ ...filter, limit, newest: true });
        for (const item of items.toReversed()) print(item);
        if (!follow) return;
        const interrupted = new AbortController();
        const interrupt = (): void => interrupted.abort();
        for (const name of ['SIGINT', 'SIGTERM']) io.signals.once(name, interrupt);
        const { signal } = interrupted;
        for await (const news of source.followHistory(filter, { signal, after: items[0]?.cursor ?? '0' })) {
          for (const item of news) print(item);
        }
      });
    });
}

function parseDate(value: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) throw new InvalidArgumentError('give a date such as 2026-11-30');
  return value;
}

function parseLimit(value: string): number {
  const limit = Number(value);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new InvalidArgumentError(`give a whole number from 1 to ${MAX_LIMIT}`);
  }
  return limit;
}
