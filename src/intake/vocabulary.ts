/** The occupancy events' one vocabulary, as it comes in by HTTP, NDJSON, the queue and the library. */
import { z } from 'zod';
import { isWholeNumber } from '../docplanner/index.js';

/** Neither the database nor a log takes every string that JSON can spell: NUL, half of a surrogate pair. */
const PRINTABLE = /^[^\p{Cc}\p{Cs}]*$/u;
const printable = z.string().regex(PRINTABLE, 'has characters that cannot be stored');
const id = printable.trim().min(1).max(200);
const instant = z.union([z.string().min(1), z.number(), z.date()]);
const date = z.iso.date();
const minutes = z.int().min(1).max(1440);
/** The marketplace's ids are strings; older pages show numbers. */
export const marketplaceId = z
  .union([printable.trim().min(1).max(64), z.int().nonnegative()])
  .transform((value) => String(value));

/** Of an insurer or a plan: the marketplace takes whole numbers alone. Contract: replaceSlots. */
const insuranceId = marketplaceId.refine(isWholeNumber, { error: 'must be a whole number' });

export const serviceSchema = z.object({ id: marketplaceId, duration: minutes });

export const insuranceSchema = z.object({
  accepted: z.enum(['with-and-without-insurance', 'without-insurance-only', 'with-insurance-only']),
  providers: z.array(insuranceId).max(500).optional(),
  plans: z.array(insuranceId).max(500).optional(),
});

export const windowSchema = z.object({
  start: instant,
  end: instant,
  services: z.array(serviceSchema).min(1).max(200),
  insurance: insuranceSchema.optional(),
});

const common = {
  /** Makes the event idempotent: one that was taken in before changes nothing. */
  id,
  calendar: id,
};
/** The PMS's id of an appointment. */
export const refSchema = id;
/** Orders the events of one `ref`: a lower one than the last seen changes nothing. */
const version = z.int().nonnegative().optional();

export const occupiedSchema = z.object({
  ...common,
  type: z.literal('occupied'),
  /** The PMS's id of the appointment; a known one moves. */
  ref: id,
  start: instant,
  end: instant,
  version,
  kind: z.enum(['booking', 'block']).default('booking'),
  service: marketplaceId.optional(),
  /** The marketplace's visit booking that this appointment is: the two are linked. */
  booking: marketplaceId.optional(),
});

export const releasedSchema = z.object({
  ...common,
  type: z.literal('released'),
  ref: id,
  version,
});

export const availableSchema = z.object({
  ...common,
  type: z.literal('available'),
  /** Local dates, both included, whose windows are replaced. */
  from: date,
  to: date,
  windows: z.array(windowSchema).max(5_000),
});

export const eventSchema = z.discriminatedUnion('type', [occupiedSchema, releasedSchema, availableSchema]);

/** What a producer writes: see `OccupancyEvent` for what it means once read. */
export type OccupancyEventInput = z.input<typeof eventSchema>;
export type OccupancyEvent = z.output<typeof eventSchema>;
export type OccupiedEvent = z.output<typeof occupiedSchema>;
export type ReleasedEvent = z.output<typeof releasedSchema>;
export type AvailableEvent = z.output<typeof availableSchema>;
