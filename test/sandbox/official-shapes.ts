// What the official document says of each answer and each notification, written here from its facts and shared with nothing:
// the names, types and words of every field. A field that it does not have fails.
import { expect } from '@jest/globals';
import { z } from 'zod';
import type { Answered, Partner } from './helper.js';

const id = z.string().min(1);
const text = z.string();
const instant = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{2}:\d{2}$/);
const maybe = <Schema extends z.ZodType>(schema: Schema) => schema.nullable();
const list = <Schema extends z.ZodType>(item: Schema) => z.strictObject({ _items: z.array(item) });
const person = z.enum(['user', 'doctor', 'integration']);
const paymentStatus = z.enum(['paid', 'waiting_for_confirmation', 'not-paid', 'refunded', 'charged_back']);

const address = z.strictObject({
  id,
  name: maybe(text),
  city_name: maybe(text).optional(),
  post_code: maybe(text),
  street: maybe(text),
  is_online_only: z.boolean().optional(),
  visit_payment: z.boolean().optional(),
  booking_extra_fields: z
    .strictObject({ gender: z.boolean(), nin: z.boolean(), birth_date: z.boolean() })
    .optional(),
  commercial_type: z.enum(['premium', 'saas-only', 'basic']).optional(),
  insurance_support: z.enum(['private', 'insurance', 'private_and_insurance']).optional(),
});

const doctor = z.strictObject({
  id,
  name: text,
  surname: text,
  profile_url: z.url().optional(),
  addresses: list(address).optional(),
  specializations: list(z.strictObject({ id, name: text })).optional(),
  license_numbers: list(z.strictObject({ id, license_number: text })).optional(),
});

const facility = z.strictObject({ id, name: text, doctors: list(doctor).optional() });

const namedService = z.strictObject({
  id,
  name: text,
  price: maybe(z.int()),
  is_price_from: z.boolean(),
  is_visible: z.boolean(),
});

const addressService = namedService.extend({
  is_default: z.boolean(),
  service_id: maybe(id),
  description: maybe(text),
  duration: z.int().optional(),
  default_duration: z.int().optional(),
  allowed_patients: maybe(
    z.strictObject({ minimum_age: maybe(z.int()), maximum_age: maybe(z.int()) }),
  ).optional(),
  custom_name: maybe(text).optional(),
  is_public_insurance_flow: z.boolean().optional(),
});

const patient = z.strictObject({
  name: text,
  surname: text,
  email: maybe(text),
  phone: text,
  birth_date: maybe(z.iso.date()),
  nin: maybe(text),
  gender: maybe(z.enum(['m', 'f'])),
  is_returning: z.boolean(),
  insurance_number: maybe(text),
});

const visit = z.strictObject({
  id,
  status: z.enum(['booked', 'canceled']),
  start_at: instant,
  end_at: instant,
  duration: z.int(),
  booked_by: person,
  booked_at: instant,
  canceled_by: z.union([person, z.literal('')]),
  canceled_at: maybe(instant),
});

const listedBooking = visit.extend({
  comment: maybe(text),
  insurance: maybe(z.strictObject({ id, name: text, plan: maybe(text), plan_id: maybe(id) })),
  visit_payment: z.boolean().optional(),
  visit_payment_status: paymentStatus.optional(),
  videocall_url: text.optional(),
  patient: patient.optional(),
  address_service: addressService.optional(),
  presence: maybe(z.enum(['present', 'absent'])).optional(),
  confirmed: z.boolean().optional(),
});
const booking = listedBooking.extend({
  patient,
  address_service: addressService,
  moving: maybe(z.strictObject({ origin_booking_id: id, newest_booking_id: id })).optional(),
});

const calendarBreak = z.strictObject({ id, since: instant, till: instant, description: text });
const calendar = z.strictObject({ status: z.enum(['enabled', 'disabled']) });
const provider = z.strictObject({ insurance_provider_id: id, name: text });
const plan = z.strictObject({ insurance_plan_id: id, name: text });
const slot = z.strictObject({ start: instant, address_services: list(addressService).optional() });

const place = {
  facility: z.strictObject({ id, name: text }),
  doctor: z.strictObject({ id, name: text, surname: text }),
  address: z.strictObject({ id, name: text, street: text, post_code: maybe(text) }),
};
const typedAddress = place.address.extend({ commercial_type: z.enum(['premium', 'saas-only', 'basic']) });

const notifiedBooking = visit.extend({
  address_service: namedService,
  patient,
  comment: text,
  insurance: z.strictObject({ id, name: text, plan: text, plan_id: text }).optional(),
  visit_payment: z.boolean().optional(),
});
const creating = z.strictObject({
  booking_at: instant,
  booking_by: person,
  start_at: instant,
  end_at: instant,
  duration: z.int(),
  address_service: namedService,
});
const createBookingBody = creating.extend({ patient, comment: text });
const canceling = z.strictObject({
  id,
  start_at: instant,
  end_at: instant,
  duration: z.int(),
  booked_by: person,
  booked_at: instant,
  canceling_by: person,
  canceling_at: instant,
  address_service: namedService,
});
const notifiedBreak = z.strictObject({ id, since: instant, till: instant });

const kind = <Shape extends z.ZodRawShape>(name: string, about: Shape) =>
  z.strictObject({
    name: z.literal(name),
    data: z.strictObject({ ...place, ...about }),
    created_at: instant,
  });

/** By their names, all 17. */
export const notifications: Readonly<Record<string, z.ZodType>> = Object.fromEntries(
  Object.entries({
    'slot-booking': { visit_booking_request: createBookingBody },
    'slot-booked': { visit_booking: notifiedBooking },
    'booking-canceled': { visit_booking: notifiedBooking },
    'booking-moving': { canceling_booking: canceling, creating_booking: creating },
    'booking-moved': { old_visit_booking: notifiedBooking, new_visit_booking: notifiedBooking },
    'booking-confirmed': { visit_booking: notifiedBooking },
    'booking-payment-status-changed': {
      visit_booking: notifiedBooking,
      visit_payment_status: z.strictObject({
        status_from: paymentStatus,
        status_to: paymentStatus,
        changed_at: instant,
      }),
    },
    'presence-marked': { visit_booking: notifiedBooking, presence: z.enum(['PRESENT', 'ABSENT']) },
    'break-created': { break: notifiedBreak },
    'break-moved': { break: notifiedBreak },
    'break-removed': { break: notifiedBreak },
    'address-service-created': { address_service: addressService },
    'address-service-changed': { address_service: addressService },
    'address-service-deleted': { address_service: addressService },
    'address-commercial-type-changed': { address: typedAddress },
    'address-assigned': { address: typedAddress },
    'address-unassigned': { address: typedAddress },
  }).map(([name, about]) => [name, kind(name, about)]),
);

const anyNotification = z.custom((value) => {
  const { name } = value as { name: string };
  return notifications[name]?.safeParse(value).success === true;
});
const error = z.strictObject({
  errors: z.union([
    z.array(z.never()),
    z.record(
      z.string().regex(/^slots\[\d+\]\.(end|minimumDifferenceBetweenDates)$/),
      z.array(z.string()).min(1),
    ),
  ]),
  message: z.string().min(1),
});

const F = '/facilities/:f';
const D = `${F}/doctors/:d`;
const A = `${D}/addresses/:a`;

/** By `METHOD path`: the success that each operation answers with, and its body. */
export const operations: Readonly<Record<string, readonly [number, z.ZodType?]>> = {
  'GET /facilities': [200, list(facility)],
  [`GET ${F}`]: [200, facility],
  [`GET ${F}/doctors`]: [200, list(doctor)],
  [`GET ${D}`]: [200, doctor],
  [`PUT ${D}/opinion-request`]: [200],
  [`GET ${D}/addresses`]: [200, list(address)],
  [`GET ${A}`]: [200, address],
  [`PATCH ${A}`]: [200, address],
  [`DELETE ${A}/integration`]: [202],
  'GET /services': [200, list(z.strictObject({ id, name: text }))],
  [`GET ${A}/services`]: [200, list(addressService)],
  [`POST ${A}/services`]: [201, addressService],
  [`GET ${A}/services/:id`]: [200, addressService],
  [`PATCH ${A}/services/:id`]: [200, addressService],
  [`DELETE ${A}/services/:id`]: [204],
  'GET /insurance-providers': [200, list(provider)],
  'GET /insurance-providers/:id/plans': [200, list(plan)],
  [`GET ${A}/insurance-providers`]: [200, list(provider.extend({ insurance_plans: list(plan) }))],
  [`POST ${A}/insurance-providers`]: [204],
  [`PUT ${A}/insurance-providers`]: [204],
  [`DELETE ${A}/insurance-providers/:id`]: [204],
  [`GET ${A}/calendar`]: [200, calendar],
  [`POST ${A}/calendar/enable`]: [200, calendar],
  [`POST ${A}/calendar/disable`]: [200, calendar],
  [`GET ${A}/slots`]: [200, list(slot)],
  [`PUT ${A}/slots`]: [201],
  [`DELETE ${A}/slots/:date`]: [204],
  [`POST ${A}/slots/:start/book`]: [200, booking],
  [`GET ${A}/bookings`]: [
    200,
    list(listedBooking).extend({
      page: z.int().optional(),
      limit: z.int().optional(),
      pages: z.int().optional(),
      total: z.int().optional(),
    }),
  ],
  [`GET ${A}/bookings/:id`]: [200, booking],
  [`DELETE ${A}/bookings/:id`]: [204],
  [`POST ${A}/bookings/:id/move`]: [201, booking],
  [`PUT ${A}/bookings/:id/confirm`]: [204],
  [`POST ${A}/bookings/:id/presence/patient`]: [204],
  [`DELETE ${A}/bookings/:id/presence/patient`]: [204],
  [`GET ${A}/breaks`]: [200, list(calendarBreak)],
  [`POST ${A}/breaks`]: [201, calendarBreak],
  [`GET ${A}/breaks/:id`]: [200, calendarBreak],
  [`PATCH ${A}/breaks/:id`]: [204],
  [`DELETE ${A}/breaks/:id`]: [204],
  'GET /notifications': [200, anyNotification],
  'GET /notifications/multiple': [
    200,
    z.strictObject({ notifications: z.array(anyNotification), remaining: z.int() }),
  ],
  'POST /notifications/release': [204],
};

export interface Checked {
  readonly send: (...request: Parameters<Partner>) => Promise<Answered>;
  /** Those that have answered with their success. */
  readonly succeeded: ReadonlySet<string>;
}

/** Holds each answer against its operation, and each error against the one form that there is. */
export function checked(send: Partner): Checked {
  const succeeded = new Set<string>();
  return {
    succeeded,
    send: async (method, path, body) => {
      const answer = await send(method, path, body);
      const operation = operationOf(method, path);
      const [status, shape] = operations[operation] ?? [0];
      const isRefusal = answer.status >= 400;
      if (isRefusal) hold(`${operation} ${answer.status}`, error, answer.body);
      else {
        expect(`${operation} ${answer.status}`).toBe(`${operation} ${status}`);
        if (shape === undefined) expect(answer.text).toBe('');
        else hold(operation, shape, answer.body);
        succeeded.add(operation);
      }
      expect([operation, answer.headers['content-type']]).toEqual([operation, contentType(answer)]);
      return answer;
    },
  };
}

export function hold(what: string, shape: z.ZodType, value: unknown): void {
  const read = shape.safeParse(value);
  if (!read.success) throw new Error(`${what}: ${z.prettifyError(read.error)}`);
}

function contentType({ status, text }: Answered): string | undefined {
  if (status >= 400) return 'application/vnd.error+docplanner+json';
  return text === '' ? undefined : 'application/vnd.docplanner+json; charset=UTF-8';
}

function operationOf(method: string, path: string): string {
  const [bare = ''] = path.split('?');
  const fits = Object.keys(operations).filter((operation) => {
    const [verb, template = ''] = operation.split(' ');
    return verb === method && new RegExp(`^${template.replace(/:\w+/g, '[^/]+')}$`).test(bare);
  });
  // Names that are written out come before parameters.
  return fits.sort((a, b) => a.split(':').length - b.split(':').length)[0] ?? `${method} ${bare}`;
}
