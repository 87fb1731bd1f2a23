/** A snapshot as it comes in: what the PMS knows of a calendar's dates, all of it or some of it. */
import { z } from 'zod';
import { availableSchema, occupiedSchema } from '../vocabulary.js';

export const snapshotSchema = z.object({
  ...availableSchema.pick({ from: true, to: true, windows: true }).shape,
  occupancy: z
    .array(
      occupiedSchema.pick({ ref: true, start: true, end: true, version: true, kind: true, service: true }),
    )
    .max(100_000),
  /** Whether it is the whole truth for its dates. Otherwise it removes nothing. */
  complete: z.boolean().default(false),
  /** When the PMS was asked; what the record knows of later stays as it is. */
  takenAt: occupiedSchema.shape.start.optional(),
});

/** One line of an import or of a source. */
export const snapshotLineSchema = snapshotSchema.extend({ calendar: availableSchema.shape.calendar });

/** The last line of a source: what came before it was all that there is. */
export const closingLineSchema = z.strictObject({ complete: z.literal(true) });

/** What a PMS writes. */
export type SnapshotInput = z.input<typeof snapshotSchema>;
export type Snapshot = z.output<typeof snapshotSchema>;
