// The schemas of the marketplace's bodies. They are tolerant: numbers or strings, older and newer formats. Only fields that are
// applied must parse; all other fields are passed on unchanged.

import { z } from 'zod';

/** Ids are strings; older pages show whole numbers. */
export const id = z.union([z.string().min(1), z.int().transform(String)]);

/** Minutes: a number, or a string on older pages. */
export const minutes = z.union([z.int(), z.string().regex(/^\d+$/).transform(Number)]);

/** An ISO 8601 instant, normalized to an offset with a colon (`+0200` becomes `+02:00`). */
export const instant = z
  .string()
  .transform((text) => text.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'))
  .refine(
    (text) => /^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:\d{2})$/.test(text) && !Number.isNaN(Date.parse(text)),
    {
      error: 'not an ISO 8601 instant with an offset',
    },
  );

/** An instant that may be missing: null, '' or absent. */
export const optionalInstant = z.union([instant, z.literal('').transform(() => null)]).nullish();

/** The parsed value when it matches the schema, otherwise the original value. */
export const lenient = <Schema extends z.ZodType>(schema: Schema) =>
  z.union([schema, z.unknown()]).optional();

/** `{"_items": [...]}`, the format of every collection. */
export const collection = <Item extends z.ZodType>(item: Item) => z.object({ _items: z.array(item) });

/** A collection with `pages` when the list is paged. */
export const paged = <Item extends z.ZodType>(item: Item) =>
  collection(item).extend({ pages: z.int().positive().optional().catch(undefined) });

/** The items of a list, with those that cannot be parsed listed separately. */
export interface Listed<Item> {
  readonly items: readonly Item[];
  readonly unreadable: readonly UnreadableItem[];
}

export interface UnreadableItem {
  /** Undefined when the id cannot be parsed. */
  readonly id: string | undefined;
  /** The path and the reason of the mismatch, without values. */
  readonly problem: string;
}

export function parseListed<Item extends z.ZodType>(
  items: readonly unknown[],
  item: Item,
): Listed<z.output<Item>> {
  const read: z.output<Item>[] = [];
  const unreadable: UnreadableItem[] = [];
  for (const raw of items) {
    const result = item.safeParse(raw);
    if (result.success) read.push(result.data);
    else unreadable.push({ id: named.safeParse(raw).data?.id, problem: describeProblem(result.error) });
  }
  return { items: read, unreadable };
}

/** The path and the reason of the first mismatch, without values, because they may be patient data. */
export function describeProblem(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'unreadable';
  return `${issue.path.join('.').slice(0, 200) || 'the body'}: ${issue.message.slice(0, 200)}`;
}

/** An object of which only the id is required. */
export const named = z.looseObject({ id });

/** An address service; its name and price are passed on unchanged. */
export const addressService = named;

const bookingCore = {
  start_at: instant,
  duration: lenient(minutes),
  address_service: lenient(addressService),
};

/**
 * The first and the last id in the chain of moves of a booking; both are its own id without a move. Null when the marketplace does
 * not know it, undefined without the scope or when it cannot be parsed. Contract: Moved bookings.
 */
const moving = z.object({ origin_booking_id: id, newest_booking_id: id }).nullish().catch(undefined);

/** A visit booking. Its patient, comment and `booked_by` are not validated, so readers must check them. Contract: bookSlot. */
export const booking = z.looseObject({
  id,
  status: z.string(),
  ...bookingCore,
  end_at: instant,
  booked_by: z.unknown().optional(),
  comment: z.unknown().optional(),
  booked_at: lenient(optionalInstant),
  canceled_at: lenient(optionalInstant),
  moving,
});

/** A booking that waits for approval: it has `booking_at` and `booking_by`, no status, and rarely an id. */
export const bookingRequest = z.looseObject({
  ...bookingCore,
  id: lenient(id),
  end_at: instant.nullish(),
  booking_at: lenient(optionalInstant),
});

/** A booking that a move would cancel: it has an id, `canceling_at` and `canceling_by`, and no status. */
export const cancelingBooking = z.looseObject({ id, canceling_at: lenient(optionalInstant) });

export const calendarBreak = z.looseObject({
  id,
  since: instant,
  till: instant,
  description: z.unknown().optional(),
});

/** The id of a booking's address service, if it has one. */
export function serviceOf({ address_service: service }: { readonly address_service?: unknown }) {
  return addressService.safeParse(service).data?.id;
}

/** The instant in a lenient field; undefined when the field has none. */
export const instantIn = (value: unknown): string | undefined => instant.safeParse(value).data;

export const calendar = z.object({ status: z.enum(['enabled', 'disabled']) });

/** The parsed value, or undefined when it does not match: for fields that are displayed and never applied. */
const readable = <Schema extends z.ZodType>(schema: Schema) => schema.nullish().catch(undefined);
const text = readable(z.string());

/** A listed service of an address; `duration` is set when the request had a `start`. Contract: Estate. */
export const listedService = z.looseObject({
  id,
  name: text,
  custom_name: text,
  /** The id in the dictionary; null for a service of the doctor's own. */
  service_id: readable(id),
  is_default: readable(z.boolean()),
  is_visible: readable(z.boolean()),
  default_duration: readable(minutes),
  duration: readable(minutes),
});

export const facility = z.looseObject({ id, name: text });
export const doctor = z.looseObject({ id, name: text, surname: text });

/** An address; fields of a scope are absent without the scope. Contract: Estate. */
export const address = z.looseObject({
  id,
  name: text,
  street: text,
  post_code: text,
  city_name: text,
  is_online_only: readable(z.boolean()),
  /** `premium`, `saas-only` or `basic`. */
  commercial_type: text,
  /** `private`, `insurance` or `private_and_insurance`. */
  insurance_support: text,
});

/** An entry of the marketplace's dictionary of services. */
export const dictionaryService = z.looseObject({ id, name: text });

export const insuranceProvider = z.looseObject({ insurance_provider_id: id, name: text });
export const insurancePlan = z.looseObject({ insurance_plan_id: id, name: text });

/** An insurance provider that an address accepts, with the accepted plans. */
export const addressInsuranceProvider = insuranceProvider
  .extend({ insurance_plans: collection(insurancePlan).nullish() })
  .transform(({ insurance_plans, ...provider }) => ({
    ...provider,
    insurance_plans: insurance_plans?._items ?? [],
  }));

const serviceIds = z
  .union([z.array(z.object({ id })), collection(z.object({ id })).transform((all) => all._items)])
  .transform((services) => services.map((service) => service.id));

/** One start that a patient can book. Its services are in `address_services` or `services`, as an array or a collection. */
export const bookableStart = z
  .object({ start: instant, address_services: serviceIds.nullish(), services: serviceIds.nullish() })
  .transform(({ start, address_services, services }): BookableStart => {
    const ids = address_services ?? services;
    return ids ? { start, services: ids } : { start };
  });

/** `services` are address service ids; absent when the answer has none. */
export interface BookableStart {
  readonly start: string;
  readonly services?: readonly string[];
}

export type Booking = Readonly<z.output<typeof booking>>;
export type BookingRequest = Readonly<z.output<typeof bookingRequest>>;
export type CalendarBreak = Readonly<z.output<typeof calendarBreak>>;
export type AddressService = Readonly<z.output<typeof listedService>>;

export type Facility = Readonly<z.output<typeof facility>>;
export type Doctor = Readonly<z.output<typeof doctor>>;
export type Address = Readonly<z.output<typeof address>>;
export type DictionaryService = Readonly<z.output<typeof dictionaryService>>;
export type InsuranceProvider = Readonly<z.output<typeof insuranceProvider>>;
export type InsurancePlan = Readonly<z.output<typeof insurancePlan>>;
export type AddressInsuranceProvider = Readonly<z.output<typeof addressInsuranceProvider>>;

/** `none`: the address has no calendar yet; its first slots or its first break create one. */
export interface CalendarStatus {
  readonly status: 'enabled' | 'disabled' | 'none';
}
