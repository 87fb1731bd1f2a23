/** The observed behavior of a calendar's address, where the contract leaves it open. Contract: replaceSlots, getSlots. */
import type { Cut } from '../../core/index.js';
import type { Db } from '../schema.js';
import type { PublishedAddress } from './days.js';

export interface AddressBehavior {
  /** How the marketplace cuts periods with services of different durations; undefined until observed. */
  readonly cut: Cut | undefined;
  /** The observed delay between a write and the first read that shows it, in milliseconds; 0 without a delay. */
  readonly readLagMs: number;
}

export async function getAddressBehavior(db: Db, calendar: string): Promise<AddressBehavior> {
  const row = await db
    .selectFrom('slotkeeper.calendars')
    .select(['cut', 'read_lag_ms'])
    .where('id', '=', calendar)
    .executeTakeFirst();
  return { cut: row?.cut ?? undefined, readLagMs: row?.read_lag_ms ?? 0 };
}

/** Changes nothing where the calendar has another address by now, because that one was not observed. */
export async function saveAddressBehavior(
  db: Db,
  at: PublishedAddress,
  { cut, readLagMs }: AddressBehavior,
): Promise<void> {
  await db
    .updateTable('slotkeeper.calendars')
    .set({ cut: cut ?? null, read_lag_ms: readLagMs })
    .where('id', '=', at.id)
    .where('account_id', '=', at.account)
    .where('facility_id', '=', at.facilityId)
    .where('doctor_id', '=', at.doctorId)
    .where('address_id', '=', at.addressId)
    .execute();
}
