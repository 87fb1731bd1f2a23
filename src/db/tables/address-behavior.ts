/** How the address of a calendar was seen to behave, where the contract leaves that open. Contract: replaceSlots, getSlots. */
import type { Cut } from '../../core/index.js';
import type { Db } from '../schema.js';
import type { ToldAt } from './days.js';

export interface AddressBehavior {
  /** How it cuts periods with services of different durations; absent until it was seen. */
  readonly cut: Cut | undefined;
  /** How far behind its writes its readings were, in milliseconds; 0 where they were not. */
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

/** Where the calendar is at another address by now, nothing was seen of that. */
export async function saveAddressBehavior(
  db: Db,
  at: ToldAt,
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
