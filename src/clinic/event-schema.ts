/** The schema of occupancy events, shared by HTTP, NDJSON, the queue and the library. */
import { z } from 'zod';
import { requireZone } from '../core/civil.js';
import { readInstant, whyUnreadable } from '../core/instant.js';
import { isWholeNumber } from '../docplanner/insurance.js';
import { type Fields, fieldsOf } from './known-fields.js';
import type { OccupancyEvent } from './occupancy-event.js';

/** Control characters are refused, because ids are written to log lines. */
const PRINTABLE = /^[^\p{Cc}\p{Cs}]*$/u;
const printable = z.string().regex(PRINTABLE, 'has characters that cannot be stored');

/** An id that some systems have as a number, and that is stored as text. */
const idOf = (number: z.ZodType<number, number>, maxCharacters: number) =>
  z
    .union([z.string(), number], {
      error: ({ input }) => (input === undefined ? 'is required' : 'expected text or whole number'),
    })
    .transform(String)
    .pipe(printable.trim().min(1).max(maxCharacters));

const id = idOf(z.int(), 200);
/** The marketplace's ids are strings; older pages show numbers. */
export const marketplaceId = idOf(z.int().nonnegative(), 64);

/** A wall-clock time is valid in every zone or in none, so the zone does not matter here. */
const anyZone = requireZone('UTC');
export const instantSchema = z
  .union([z.string(), z.number(), z.date()], {
    error: ({ input }) => (input === undefined ? 'is required' : whyUnreadable(input)),
  })
  .refine((value) => !Number.isNaN(readInstant(value, anyZone)), {
    error: ({ input }) => whyUnreadable(input),
  });
const date = z.iso.date();
const minutes = z.int().min(1).max(1440);

/** The id of an insurer or a plan: the marketplace accepts whole numbers only. Contract: replaceSlots. */
const insuranceId = marketplaceId.refine(isWholeNumber, { error: 'must be a whole number' });

export const serviceSchema = z.object({ id: marketplaceId, duration: minutes });

export const insuranceSchema = z.object({
  accepted: z.enum(['with-and-without-insurance', 'without-insurance-only', 'with-insurance-only']),
  providers: z.array(insuranceId).max(500).readonly().optional(),
  plans: z.array(insuranceId).max(500).readonly().optional(),
});

export const windowSchema = z.object({
  start: instantSchema,
  end: instantSchema,
  services: z.array(serviceSchema).min(1).max(200).readonly(),
  insurance: insuranceSchema.optional(),
});

const common = { id, calendar: id };
/** The PMS's id of an appointment. */
export const refSchema = id;
const version = z.int().nonnegative().optional();

export const occupiedSchema = z.object({
  ...common,
  type: z.literal('occupied'),
  ref: id,
  start: instantSchema,
  end: instantSchema,
  version,
  kind: z.enum(['booking', 'block']).default('booking'),
  service: marketplaceId.optional(),
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
  from: date,
  to: date,
  windows: z.array(windowSchema).max(5_000).readonly(),
});

export const eventSchema = z.discriminatedUnion('type', [occupiedSchema, releasedSchema, availableSchema]);

type AcceptedBy<Input, Given extends Input> = Given;
/** The event that a producer writes. The type compiles only while the schema accepts every event of the public type. */
export type OccupancyEventInput = AcceptedBy<z.input<typeof eventSchema>, OccupancyEvent>;

/** A parsed event: its ids are text, and unknown keys are dropped. */
export type ParsedOccupancyEvent = z.output<typeof eventSchema>;
export type ParsedAvailableEvent = z.output<typeof availableSchema>;

/** The fields of each type of event. */
export const EVENT_FIELDS: { readonly [type: string]: Fields } = Object.fromEntries(
  eventSchema.options.map((option) => [option.shape.type.value, fieldsOf(option)]),
);
/** The fields of all event types together. */
export const ANY_EVENT: Fields = Object.assign({}, ...Object.values(EVENT_FIELDS));
