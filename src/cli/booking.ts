/** `slotkeeper booking`: cancels, moves or links a marketplace booking, by its visit booking id. */
import { Command } from 'commander';
import type { BookingReport, BookingsApi } from '../api/bookings-api.js';
import { withEngine } from './connect.js';
import { UsageError } from './exit.js';
import type { Io } from './io.js';
import { configOption } from './settings.js';

interface Flags {
  readonly config?: string;
}

interface CancelFlags extends Flags {
  readonly reason?: string;
}

interface LinkFlags extends Flags {
  readonly none?: boolean;
}

interface MoveFlags extends Flags {
  readonly start: string;
  readonly service?: string;
  readonly duration?: string;
  readonly address?: string;
}

export function bookingCommand(io: Io): Command {
  const command = new Command('booking').description("the marketplace's bookings, by their visit booking id");
  const subcommand = (verb: string, description: string): Command =>
    command
      .command(verb)
      .description(description)
      .argument('<calendar>', "the calendar's id")
      .argument('<booking>', 'the visit booking id')
      .addOption(configOption());

  subcommand('cancel', 'cancel the booking')
    .option('--reason <text>', 'the reason that the marketplace receives')
    .action(async (calendar: string, booking: string, { reason, config }: CancelFlags) => {
      await runOperation(io, config, calendar, (bookings) => bookings.cancel(calendar, booking, { reason }));
    });
  subcommand('move', 'move the booking to another time; its id changes')
    .requiredOption('--start <instant>', "ISO 8601, or a wall-clock time in the account's zone")
    .option('--service <id>', 'another address service')
    .option('--duration <minutes>', 'another duration')
    .option('--address <id>', 'another address of the facility')
    .action(async (calendar: string, booking: string, flags: MoveFlags) => {
      const { start, service, duration, address, config } = flags;
      const to = { start, service, duration: parseMinutes(duration), addressId: address };
      await runOperation(io, config, calendar, (bookings) => bookings.move(calendar, booking, to));
    });
  subcommand('link', 'link the booking to an appointment of the PMS, with which it is synced from then on')
    .argument('[ref]', "the appointment's ref")
    .option('--none', 'remove the link')
    .action(async (calendar: string, booking: string, ref: string | undefined, flags: LinkFlags) => {
      const { none = false, config } = flags;
      if (none === (ref !== undefined)) throw new UsageError('booking link: give a ref or --none');
      await runOperation(io, config, calendar, (bookings) => bookings.link(calendar, booking, ref ?? null));
    });
  return command;
}

function parseMinutes(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(text)) {
    throw new UsageError('booking move: --duration must be a whole number of minutes');
  }
  return Number(text);
}

async function runOperation(
  io: Io,
  file: string | undefined,
  calendar: string,
  operation: (bookings: BookingsApi) => Promise<BookingReport | undefined>,
): Promise<void> {
  const report = await withEngine(io, { file }, (connected) =>
    operation(connected.kind === 'engine' ? connected.engine.bookings : connected.api.bookings),
  );
  if (report === undefined) throw new UsageError(`there is no calendar "${calendar}"`);
  io.stdout.write(`${JSON.stringify(report)}\n`);
}
