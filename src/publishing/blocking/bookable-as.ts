/** Whether an appointment can be booked as a slot in the marketplace. Pure. Contract: bookSlot, replaceSlots. */

import { stepOf } from '../../core/bookable-starts.js';
import { MINUTE } from '../../core/duration.js';
import type { Cut, Slot } from '../../core/index.js';
import { overlaps, type Span } from '../../core/span.js';
import type { RequiredBlock } from './required-blocks.js';

/**
 * The address service to book the appointment as; undefined where the appointment begins at no bookable start, or does not
 * fit.
 * @param published the marketplace's slot configuration
 * @param hidden blocked time, which is not on sale although the slots offer it
 * @param now epoch milliseconds
 * @param cut how the address cuts periods; starts that are one duration apart exist with either cut
 */
export function bookableAs(
  need: RequiredBlock,
  published: readonly Slot[],
  hidden: readonly Span[],
  now: number,
  cut: Cut = 'duration',
): string | undefined {
  const minutes = (need.end - need.start) / MINUTE;
  if (need.start <= now || !Number.isInteger(minutes)) return undefined;
  const fitting = published.flatMap((slot) => {
    const [start, end] = [Date.parse(slot.start), Date.parse(slot.end)];
    if (need.start < start || need.end > end) return [];
    return slot.address_services.filter(({ duration }) => {
      const visit = { start: need.start, end: need.start + Math.max(minutes, duration) * MINUTE };
      const step = stepOf(duration, slot.address_services, cut) * MINUTE;
      const isStart = (need.start - start) % step === 0 && visit.end <= end;
      return isStart && !hidden.some((one) => overlaps(one, visit));
    });
  });
  const best =
    fitting.find(({ address_service_id: id }) => id === need.service) ??
    fitting.find(({ duration }) => duration === minutes) ??
    fitting[0];
  return best?.address_service_id;
}
