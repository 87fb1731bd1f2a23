// Parses the body of replaceSlots and validates it by every rule of the contract. Contract: replaceSlots.
import { z } from 'zod';
import type { OperationCall } from '../http/operation.js';
import { ApiError, type FieldErrors } from '../http/response.js';
import type { Replacement } from '../market/schedule.js';
import type { Insurance, Interval, OfferedService, WorkPeriod } from '../market/starts.js';
import { type CalendarTarget, idSchema, instantSchema, minutesSchema, parseBody } from './request.js';

export const HORIZON_MS = 12 * 7 * 24 * 60 * 60_000;
const MINUTE_MS = 60_000;

const integerSchema = z.int('This value should be of type integer.');

const slotSchema = z.object({
  start: instantSchema,
  end: instantSchema,
  address_services: z.array(z.object({ address_service_id: idSchema, duration: minutesSchema })).nullish(),
  insurance_accepted: z
    .enum(
      ['with-and-without-insurance', 'without-insurance-only', 'with-insurance-only'],
      'The value you selected is not a valid choice.',
    )
    .nullish(),
  insurance_providers: z.array(integerSchema).nullish(),
  insurance_plans: z.array(integerSchema).nullish(),
});

const bodySchema = z.object({ slots: z.array(slotSchema, 'This value should be a list.') });

type Slot = z.output<typeof slotSchema>;

/** @throws ApiError 400; it names the entry by its index only when the entry is too short or ends too late */
export function parseReplacement(call: OperationCall, target: CalendarTarget): Replacement {
  const { slots } = parseBody(bodySchema, call);
  const errors: FieldErrors = Object.assign({}, ...slots.map((slot, n) => findErrors(slot, n, call.now)));
  if (Object.keys(errors).length > 0) throw new ApiError(400, 'Invalid arguments', { errors });
  for (const slot of slots) assertSellable(slot, target);

  const unknown = slots
    .flatMap((slot) => slot.address_services ?? [])
    .find(
      (service) =>
        call.market.directory.findService(target.address, service.address_service_id) === undefined,
    );
  if (unknown !== undefined) throw new ApiError(400, 'Address service does not exist.');

  const offered: WorkPeriod[] = [];
  const removed: Interval[] = [];
  for (const slot of slots) {
    const { start, end } = slot;
    const services = toServices(slot);
    if (services.length === 0) removed.push({ start, end });
    else
      offered.push({
        start,
        end,
        terms: call.market.internTerms({ services, insurance: toInsurance(slot) }),
      });
  }
  return { offered, removed };
}

function findErrors({ start, end }: Slot, index: number, now: number): FieldErrors {
  const at = (field: string, message: string): FieldErrors => ({ [`slots[${index}].${field}`]: [message] });
  if (end - start < MINUTE_MS) {
    return at('minimumDifferenceBetweenDates', 'The end date must be at least 1 minute after the start date');
  }
  if (end > now + HORIZON_MS) return at('end', 'End date should not be later than 12 weeks from now.');
  return {};
}

function assertSellable(slot: Slot, { calendar: { zone } }: CalendarTarget): void {
  const providers = slot.insurance_providers ?? [];
  if (zone.dateOf(slot.start) !== zone.dateOf(slot.end)) {
    const range = `${zone.format(slot.start)} - ${zone.format(slot.end)}`;
    throw new ApiError(400, `Slot for date range ${range} exceeds a single day boundary`);
  }
  if (slot.insurance_accepted === 'with-insurance-only' && providers.length === 0) {
    throw new ApiError(400, 'Insurance providers are required with with-insurance-only.');
  }
  if (slot.insurance_accepted === 'without-insurance-only' && providers.length > 0) {
    throw new ApiError(400, 'Insurance providers are not allowed with without-insurance-only.');
  }
}

function toServices(slot: Slot): readonly OfferedService[] {
  return (slot.address_services ?? []).map(({ address_service_id, duration }) => ({
    id: address_service_id,
    duration,
  }));
}

function toInsurance(slot: Slot): Insurance {
  return {
    accepted: slot.insurance_accepted ?? 'with-and-without-insurance',
    providers: (slot.insurance_providers ?? []).map(String),
    plans: (slot.insurance_plans ?? []).map(String),
  };
}
