// Lists the stored appointments of a calendar.
import type { Db } from '../../src/db/schema.js';
import { type BusyTime, findBusyTime } from '../../src/db/tables/busy-time.js';

type Appointment = Extract<BusyTime, { source: 'occupancy' }>;

/** Earliest first. */
export async function listAppointments(db: Db, id: string): Promise<Appointment[]> {
  const busyTime = await findBusyTime(db, id, new Date(0), new Date('2100-01-01Z'));
  return busyTime.flatMap((one) => (one.source === 'occupancy' ? [one] : []));
}
