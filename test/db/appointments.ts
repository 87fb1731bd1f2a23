// The appointments of a clinic that a calendar's record knows, whenever they are.
import type { Db } from '../../src/db/schema.js';
import { type BusyTime, findBusyTime } from '../../src/db/tables/busy-time.js';

type Appointment = Extract<BusyTime, { source: 'occupancy' }>;

/** Earliest first. */
export async function listAppointments(db: Db, id: string): Promise<Appointment[]> {
  const taken = await findBusyTime(db, id, new Date(0), new Date('2100-01-01Z'));
  return taken.flatMap((one) => (one.source === 'occupancy' ? [one] : []));
}
