// The pieces that the marketplace's bodies are made of, read tolerantly: numbers or strings, older and newer forms.

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

/** `{"_items": […]}`, the form of every collection. */
export const collection = <Item extends z.ZodType>(item: Item) => z.object({ _items: z.array(item) });

/** An address service in full, as far as it is told; what else is there is kept. */
export const addressService = z.looseObject({ id, name: z.string().nullish(), price: z.number().nullish() });

/** Person-related, never to be logged. */
export const patient = z.looseObject({ name: z.string().nullish(), surname: z.string().nullish() });

const bookingCore = {
  start_at: instant,
  end_at: instant.nullish(),
  duration: minutes.nullish(),
  address_service: addressService.nullish(),
  patient: patient.nullish(),
  comment: z.string().nullish(),
};

/** A visit booking. Contract: bookSlot. */
export const booking = z.looseObject({
  id,
  status: z.string(),
  ...bookingCore,
  end_at: instant,
  booked_by: z.string().nullish(),
  canceled_by: z.string().nullish(),
  booked_at: eventually,
  canceled_at: eventually,
  presence: z.string().nullish(),
});

/** A booking that is only asked for: it need not have an id or a status yet. */
export const bookingRequest = z.looseObject({ id: id.nullish(), ...bookingCore });

export const calendarBreak = z.looseObject({
  id,
  since: instant,
  till: instant,
  description: z.string().nullish(),
});

export const calendar = z.object({ status: z.enum(['enabled', 'disabled']) });

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
export type CalendarStatus = Readonly<z.output<typeof calendar>>;
export type AddressService = Readonly<z.output<typeof addressService>>;
