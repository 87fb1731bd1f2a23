/** `slotkeeper booking`: cancels, moves or links a marketplace booking, by its visit booking id. */
import { Command } from 'commander';
import type { BookingReport, BookingsFace } from '../sync/bookings-face.js';
import { UsageError } from './exit.js';
import type { Io } from './io.js';
import { withEngine } from './reach.js';
import { readSettings } from './settings.js';

interface MoveFlags {
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
      .argument('<booking>', 'the visit booking id');

  on('cancel', 'cancel it')
    .option('--reason <text>', 'told to the marketplace')
    .action(async (calendar: string, booking: string, { reason }: { reason?: string }) => {
      await act(io, calendar, (bookings) => bookings.cancel(calendar, booking, { reason }));
    });
  on('move', 'move it to another time; it gets another id')
    .requiredOption('--start <instant>', "ISO 8601, or a wall-clock time in the account's zone")
    .option('--service <id>', 'another address service')
    .option('--duration <minutes>', 'another duration')
    .option('--address <id>', 'another address of the facility')
    .action(async (calendar: string, booking: string, { start, service, duration, address }: MoveFlags) => {
      const to = { start, service, duration: minutes(duration), addressId: address };
      await act(io, calendar, (bookings) => bookings.move(calendar, booking, to));
    });
  on('link', 'tie it to an appointment of the PMS, which it follows from then on')
    .argument('[ref]', "the appointment's ref")
    .option('--none', 'tie it to nothing any more')
    .action(async (calendar: string, booking: string, ref: string | undefined, { none = false }) => {
      if (none === (ref !== undefined)) throw new UsageError('booking link: name a ref, or say --none');
      await act(io, calendar, (bookings) => bookings.link(calendar, booking, ref ?? null));
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
  calendar: string,
  what: (bookings: BookingsFace) => Promise<BookingReport | undefined>,
): Promise<void> {
  const report = await withEngine(io, readSettings(io), (reached) =>
    what(reached.kind === 'engine' ? reached.engine.bookings : reached.api.bookings),
  );
  if (report === undefined) throw new UsageError(`there is no calendar "${calendar}"`);
  io.stdout.write(`${JSON.stringify(report)}\n`);
}
