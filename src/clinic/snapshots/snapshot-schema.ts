/** The schema of snapshots: all or some of the PMS's windows and occupancies of a calendar's dates. */
import { z } from 'zod';
import type { Instant, WindowInput } from '../../core/index.js';
import { availableSchema, instantSchema, occupiedSchema } from '../event-schema.js';
import { type Fields, fieldsOf } from '../known-fields.js';
import type { OccupiedEvent } from '../occupancy-event.js';

export const entrySchema = occupiedSchema.pick({
  ref: true,
  start: true,
  end: true,
  version: true,
  kind: true,
  service: true,
});

const frame = {
  from: availableSchema.shape.from,
  to: availableSchema.shape.to,
  complete: z.boolean().default(false),
  takenAt: instantSchema.optional(),
};

/** The frame of a snapshot; its windows and occupancies are parsed one by one. */
export const snapshotSchema = z.object({
  ...frame,
  windows: z.array(z.unknown()).max(5_000),
  occupancy: z.array(z.unknown()).max(100_000),
});

/** One line of an import or of a source. */
export const snapshotLineSchema = snapshotSchema.extend({ calendar: availableSchema.shape.calendar });

export const SNAPSHOT_FIELDS: Fields = { ...fieldsOf(z.object(frame)), windows: true, occupancy: true };
export const ENTRY_FIELDS = fieldsOf(entrySchema);

/** The last line of a source, which marks the answer as complete. */
export const closingLineSchema = z.strictObject({ complete: z.literal(true) });

/** One appointment or block of a snapshot. */
export type SnapshotEntry = Pick<OccupiedEvent, 'ref' | 'start' | 'end' | 'version' | 'kind' | 'service'>;

/** A snapshot as a PMS writes it: the state of a calendar's dates. */
export interface Snapshot {
  /** First local date, `YYYY-MM-DD`. */
  readonly from: string;
  /** Last local date, itself included; at most 366 dates. */
  readonly to: string;
  /** All windows of these dates, none outside of them; at most 5,000. */
  readonly windows: readonly WindowInput[];
  /** Appointments and blocks that lie in these dates or reach into them, each `ref` once; at most 100,000. */
  readonly occupancy: readonly SnapshotEntry[];
  /** Whether the snapshot lists everything of its dates. Otherwise it removes nothing. Default: false. */
  readonly complete?: boolean | undefined;
  /** When the snapshot was taken; newer stored state stays. Default: when the snapshot began to arrive. */
  readonly takenAt?: Instant | undefined;
}
