// The pieces that the marketplace's bodies are made of, read tolerantly: numbers or strings, older and newer forms. Only
// what is applied has to be readable; everything else is passed on as it came.

import { z } from 'zod';

/** Ids are strings; older pages show whole numbers. */
export const id = z.union([z.string().min(1), z.int().transform(String)]);

/** Minutes: a number, or a string on older pages. */
export const minutes = z.union([z.int(), z.string().regex(/^\d+$/).transform(Number)]);

/** An ISO 8601 instant, always given on with a colon in its offset (`+0200` becomes `+02:00`). */
export const instant = z
  .string()
  .transform((text) => text.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'))
  .refine(
    (text) => /^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:\d{2})$/.test(text) && !Number.isNaN(Date.parse(text)),
    {
      error: 'not an ISO 8601 instant with an offset',
    },
  );

/** An instant that may not have come yet: null, '' and nothing at all mean that. */
export const eventually = z.union([instant, z.literal('').transform(() => null)]).nullish();

/** In this form where it can be read, and otherwise as it came. */
export const lenient = <Form extends z.ZodType>(form: Form) => z.union([form, z.unknown()]).optional();

/** `{"_items": […]}`, the form of every collection. */
export const collection = <Item extends z.ZodType>(item: Item) => z.object({ _items: z.array(item) });

/** `pages` is there where the list came in pages. */
export const paged = <Item extends z.ZodType>(item: Item) =>
  collection(item).extend({ pages: z.int().positive().optional().catch(undefined) });

/** What was listed; an item that cannot be read takes no others along, and is there all the same. */
export interface Listed<Item> {
  readonly items: readonly Item[];
  readonly unread: readonly Unread[];
}

export interface Unread {
  /** Undefined where even that cannot be read. */
  readonly id: string | undefined;
  /** Where it is not as expected, without any of its values. */
  readonly problem: string;
}

export function listed<Item extends z.ZodType>(
  items: readonly unknown[],
  item: Item,
): Listed<z.output<Item>> {
  const read: z.output<Item>[] = [];
  const unread: Unread[] = [];
  for (const raw of items) {
    const result = item.safeParse(raw);
    if (result.success) read.push(result.data);
    else unread.push({ id: named.safeParse(raw).data?.id, problem: problemOf(result.error) });
  }
  return { items: read, unread };
}

/** Only where it is wrong and how; the values may be a patient's. */
export function problemOf(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'unreadable';
  return `${issue.path.join('.').slice(0, 200) || 'the body'}: ${issue.message.slice(0, 200)}`;
}

/** Anything that is only named: its id, and whatever else is there. */
export const named = z.looseObject({ id });

/** An address service; its name and price are there as they came. */
export const addressService = named;

const bookingCore = {
  start_at: instant,
  duration: lenient(minutes),
  address_service: lenient(addressService),
};

/**
 * The ids that a moved booking began and ended with; both are its own where it never moved. Null where the marketplace does
 * not know, undefined where it was not asked or cannot be read. Contract: Moved bookings.
 */
const moving = z.object({ origin_booking_id: id, newest_booking_id: id }).nullish().catch(undefined);

/** A visit booking. Whoever reads its patient, its comment or who booked it has to look first. Contract: bookSlot. */
export const booking = z.looseObject({
  id,
  status: z.string(),
  ...bookingCore,
  end_at: instant,
  booked_by: z.unknown().optional(),
  comment: z.unknown().optional(),
  booked_at: lenient(eventually),
  canceled_at: lenient(eventually),
  moving,
});

/** A booking that is only asked for: it has no status yet, `booking_at` and `booking_by`, and seldom an id. */
export const bookingRequest = z.looseObject({
  ...bookingCore,
  id: lenient(id),
  end_at: instant.nullish(),
  booking_at: lenient(eventually),
});

/** A booking that is about to end by a move: it has an id, `canceling_at` and `canceling_by`, and no status. */
export const endingBooking = z.looseObject({ id, canceling_at: lenient(eventually) });

export const calendarBreak = z.looseObject({
  id,
  since: instant,
  till: instant,
  description: z.unknown().optional(),
});

/** The address service of a booking, where it names one. */
export function serviceOf({ address_service: service }: { readonly address_service?: unknown }) {
  return addressService.safeParse(service).data?.id;
}

/** The instant that a lenient field says; undefined where it says none. */
export const instantIn = (value: unknown): string | undefined => instant.safeParse(value).data;

export const calendar = z.object({ status: z.enum(['enabled', 'disabled']) });

/** In this form or not at all: for what is shown and never applied. */
const readable = <Form extends z.ZodType>(form: Form) => form.nullish().catch(undefined);
const text = readable(z.string());

/** A service of an address as it is listed; `duration` where it was asked with a `start`. Contract: Estate. */
export const listedService = z.looseObject({
  id,
  name: text,
  custom_name: text,
  /** The id of the dictionary; null for a service of the doctor's own. */
  service_id: readable(id),
  is_default: readable(z.boolean()),
  is_visible: readable(z.boolean()),
  default_duration: readable(minutes),
  duration: readable(minutes),
});

export const facility = z.looseObject({ id, name: text });
export const doctor = z.looseObject({ id, name: text, surname: text });

/** An address; what comes with a scope is absent without it. Contract: Estate. */
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

/** An insurer that an address takes, with those of its plans that it takes. */
export const addressInsuranceProvider = insuranceProvider
  .extend({ insurance_plans: collection(insurancePlan).nullish() })
  .transform(({ insurance_plans, ...provider }) => ({
    ...provider,
    insurance_plans: insurance_plans?._items ?? [],
  }));

const serviceIds = z
  .union([z.array(z.object({ id })), collection(z.object({ id })).transform((all) => all._items)])
  .transform((services) => services.map((service) => service.id));

/** One start that a patient can book. The services come as `address_services` or `services`, bare or as a collection. */
export const bookableStart = z
  .object({ start: instant, address_services: serviceIds.nullish(), services: serviceIds.nullish() })
  .transform(({ start, address_services, services }): BookableStart => {
    const ids = address_services ?? services;
    return ids ? { start, services: ids } : { start };
  });

/** `services` holds address service ids; absent when the marketplace did not tell. */
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

/** `none`: the address has no calendar yet; its first slots or break make one. */
export interface CalendarStatus {
  readonly status: 'enabled' | 'disabled' | 'none';
}
