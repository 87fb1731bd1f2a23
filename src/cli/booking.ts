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
  const on = (verb: string, description: string): Command =>
    command
      .command(verb)
      .description(description)
      .argument('<calendar>', "the calendar's id")
      .argument('<booking>', 'the visit booking id')
      .addOption(configOption());

  on('cancel', 'cancel it')
    .option('--reason <text>', 'told to the marketplace')
    .action(async (calendar: string, booking: string, { reason, config }: CancelFlags) => {
      await act(io, config, calendar, (bookings) => bookings.cancel(calendar, booking, { reason }));
    });
  on('move', 'move it to another time; it gets another id')
    .requiredOption('--start <instant>', "ISO 8601, or a wall-clock time in the account's zone")
    .option('--service <id>', 'another address service')
    .option('--duration <minutes>', 'another duration')
    .option('--address <id>', 'another address of the facility')
    .action(async (calendar: string, booking: string, flags: MoveFlags) => {
      const { start, service, duration, address, config } = flags;
      const to = { start, service, duration: minutes(duration), addressId: address };
      await act(io, config, calendar, (bookings) => bookings.move(calendar, booking, to));
    });
  on('link', 'tie it to an appointment of the PMS, which it follows from then on')
    .argument('[ref]', "the appointment's ref")
    .option('--none', 'tie it to nothing any more')
    .action(async (calendar: string, booking: string, ref: string | undefined, flags: LinkFlags) => {
      const { none = false, config } = flags;
      if (none === (ref !== undefined)) throw new UsageError('booking link: name a ref, or say --none');
      await act(io, config, calendar, (bookings) => bookings.link(calendar, booking, ref ?? null));
    });
  return command;
}

function minutes(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(text)) {
    throw new UsageError('booking move: --duration is a whole number of minutes');
  }
  return Number(text);
}

async function act(
  io: Io,
  file: string | undefined,
  calendar: string,
  what: (bookings: BookingsApi) => Promise<BookingReport | undefined>,
): Promise<void> {
  const report = await withEngine(io, { file }, (reached) =>
    what(reached.kind === 'engine' ? reached.engine.bookings : reached.api.bookings),
  );
  if (report === undefined) throw new UsageError(`there is no calendar "${calendar}"`);
  io.stdout.write(`${JSON.stringify(report)}\n`);
}
