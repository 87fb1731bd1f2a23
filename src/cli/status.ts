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
  pending,
  failed,
  goneServices,
  held,
  closing,
  lag,
  notifications,
  queues,
}: Status): string {
  const lines = [
    pending === 0
      ? 'everything that is wanted is published'
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
