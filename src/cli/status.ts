/** `slotkeeper status`: how it stands, in numbers. */
import { Command } from 'commander';
import type { Status } from '../engine/status.js';
import type { Io } from './io.js';
import { withEngine } from './reach.js';
import { readSettings } from './settings.js';

export function statusCommand(io: Io): Command {
  return new Command('status')
    .description('how many days wait, failed or are held, and how old the oldest is')
    .option('--json', 'for machines')
    .action(async ({ json = false }: { json?: boolean }) => {
      const { config, ...own } = readSettings(io);
      const status = await withEngine(
        io,
        own,
        (reached) => (reached.kind === 'engine' ? reached.engine.status() : reached.api.status()),
        { config: { delivery: config.delivery } },
      );
      io.stdout.write(json ? `${JSON.stringify(status)}\n` : describe(status));
    });
}

function describe({
  takenOnSale,
  pending,
  failed,
  goneServices,
  held,
  closing,
  lag,
  notifications,
  queues,
}: Status): string {
  const nothingWaits =
    failed === 0 ? 'everything that is wanted is published' : 'nothing else waits to be published';
  const lines = [
    ...onSaleLines(takenOnSale),
    pending === 0
      ? nothingWaits
      : `${pending} days wait to be published, the oldest for ${Math.round(lag / 1000)} s`,
    `${failed} days failed, ${held} are held`,
    ...(goneServices > 0
      ? [`${goneServices} services are gone from their addresses, see \`slotkeeper failed list\``]
      : []),
    ...(closing === 0 ? [] : [`${closing} calendars or former addresses are being closed`]),
    `${notifications.undelivered} notifications wait to be delivered, ${notifications.failed} failed`,
    ...Object.entries(queues).map(
      ([name, states]) =>
        `${name}: ${Object.entries(states)
          .map(([state, jobs]) => `${jobs} ${state}`)
          .join(', ')}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

const MAX_ON_SALE = 10;

/** The alarm comes first: time that patients can book although it is taken. */
function onSaleLines({ count, items }: Status['takenOnSale']): string[] {
  if (count === 0) return [];
  const shown = items
    .slice(0, MAX_ON_SALE)
    .map(({ calendar, start, end, reason }) => `  ${calendar}: ${start} to ${end}: ${reason}`);
  const left = count - shown.length;
  return [
    `${count} ${count === 1 ? 'taken time is' : 'taken times are'} ON SALE and cannot be closed:`,
    ...shown,
    ...(left > 0 ? [`  and ${left} more`] : []),
  ];
}
