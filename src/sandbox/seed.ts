// The schemas of the seed: the estate (facilities, doctors, addresses, services), the API clients and their limits, as a person
// or a test writes them.
import { z } from 'zod';
import { pushSchema } from './push/settings.js';
import { findZone } from './zone.js';

const id = z.union([z.string().min(1), z.int().nonnegative()]).transform(String);

const limit = z.int().positive().nullable();

/** The limits of a client. Null switches a limit and its headers off. Contract: Limits. */
export const limitsSchema = z.strictObject({
  writesPerMinute: limit,
  writesPerHour: limit,
  requestsPerHour: limit,
  /** Per network address; the firewall answers with HTML. Off by default, because loopback counts as "inside the country". */
  requestsPerFiveMinutes: limit,
  /** A client that requests more tokens in an hour is treated as a bot: the firewall answers. Off by default. */
  tokensPerHour: limit,
  releasesPerHour: limit,
});

const age = z.int().nonnegative().nullable();

export const allowedPatientsSchema = z.object({
  minimum_age: age.default(null),
  maximum_age: age.default(null),
});

export const insuranceSupportSchema = z.enum(['private', 'insurance', 'private_and_insurance']);

export const commercialTypeSchema = z.enum(['premium', 'saas-only', 'basic']);

export const serviceSchema = z.strictObject({
  id,
  name: z.string().optional(),
  price: z.number().nonnegative().nullable().optional(),
  isPriceFrom: z.boolean().optional(),
  isDefault: z.boolean().optional(),
  isVisible: z.boolean().optional(),
  /** The id in the dictionary; absent for a service of the doctor's own. */
  serviceId: id.optional(),
  description: z.string().nullable().optional(),
  /** The default duration of a booking in minutes, when a slot has none. */
  duration: z.int().positive().optional(),
  allowedPatients: allowedPatientsSchema.nullable().optional(),
  customName: z.string().min(1).nullable().optional(),
  publicInsurance: z.boolean().optional(),
});

export const cuttingSchema = z.enum(['duration', 'divisor'], 'is neither "duration" nor "divisor"');

const addressSchema = z.strictObject({
  id,
  name: z.string().optional(),
  street: z.string().nullable().optional(),
  cityName: z.string().nullable().optional(),
  postCode: z.string().nullable().optional(),
  onlineOnly: z.boolean().optional(),
  visitPayment: z.boolean().optional(),
  /** The account of online payments. A paid booking does not move to an address of another account. All addresses without it share one. */
  paymentAccount: z.string().optional(),
  /** The extra fields that a patient must fill in to book. */
  bookingExtraFields: z
    .strictObject({ gender: z.boolean(), nin: z.boolean(), birthDate: z.boolean() })
    .partial()
    .optional(),
  insuranceSupport: insuranceSupportSchema.optional(),
  /** Ids of the dictionary. */
  insuranceProviders: z.array(z.strictObject({ id, plans: z.array(id).optional() })).optional(),
  /** IANA name or a fixed offset; the sandbox's own zone by default. */
  timeZone: z
    .string()
    .refine((name) => findZone(name) !== undefined, 'is no IANA zone and no fixed offset')
    .optional(),
  services: z.array(serviceSchema),
  /** False: writes to this calendar are answered 403. */
  editable: z.boolean().optional(),
  /** Default `premium`. A `basic` address is not commercial: slots are refused with 422. */
  commercialType: commercialTypeSchema.optional(),
  /** False means the type `basic`. */
  commercial: z.boolean().optional(),
  /** False: the address is unassigned: requests are answered 403, and no change of it is notified. */
  assigned: z.boolean().optional(),
  /** False: the address is disabled, and enableCalendar is answered 400. */
  active: z.boolean().optional(),
  /** `none`: the calendar does not exist until replaceSlots or a break creates it. */
  calendar: z.enum(['enabled', 'disabled', 'none']).optional(),
  /** How a work period with services of different durations is cut into starts; default `duration`. */
  cutting: cuttingSchema.optional(),
  /** Addresses of the same doctor that get the same break when `apply_on_coupled_addresses` is sent. */
  coupledWith: z.array(id).optional(),
});

const doctorSchema = z.strictObject({
  id,
  name: z.string().optional(),
  surname: z.string().optional(),
  specializations: z.array(z.strictObject({ id, name: z.string().optional() })).optional(),
  licenseNumbers: z.array(z.string()).optional(),
  addresses: z.array(addressSchema),
});

const facilitySchema = z.strictObject({ id, name: z.string().optional(), doctors: z.array(doctorSchema) });

export const clientSchema = z
  .strictObject({
    id: z.string().min(1),
    secret: z.string().min(1),
    /** The ids of the facilities that the client has access to; all when absent. */
    facilities: z.array(id).optional(),
    limits: limitsSchema.partial().optional(),
    /** Whether the client may call removeAddressIntegration. */
    removesIntegrations: z.boolean().optional(),
    /** How the client receives notifications; default `pull`. Only `push` and `both` may request a release. */
    notifications: z.enum(['pull', 'push', 'both']).optional(),
    /** Without it the client has no endpoint and pulls all notifications. */
    push: pushSchema.optional(),
    /** Whether the client approves, at `push.url`, before a patient books or moves. */
    asks: z.boolean().optional(),
    /** The timeout of an approval request in real milliseconds; default 2,000. */
    askTimeoutMs: z.number().positive().max(600_000).optional(),
  })
  .refine(({ push, notifications = 'pull' }) => push === undefined || notifications !== 'pull', {
    path: ['push'],
    error: 'needs notifications to be "push" or "both"',
  })
  .refine(({ push, asks }) => push !== undefined || asks !== true, {
    path: ['asks'],
    error: 'needs push: approval requests are sent to push.url',
  });

export const estateSchema = z.strictObject({ facilities: z.array(facilitySchema) });

export type Limits = z.output<typeof limitsSchema>;
export type Estate = z.input<typeof estateSchema>;
export type Client = z.input<typeof clientSchema>;
export type ParsedClient = z.output<typeof clientSchema>;
export type ParsedEstate = z.output<typeof estateSchema>;
export type ParsedFacility = z.output<typeof facilitySchema>;
export type ParsedDoctor = z.output<typeof doctorSchema>;
export type ParsedAddress = z.output<typeof addressSchema>;
export type Service = z.input<typeof serviceSchema>;
export type Cutting = z.output<typeof cuttingSchema>;
export type ParsedService = z.output<typeof serviceSchema>;

/** Contract: Limits. The two limits of the firewall are off by default. */
export const CONTRACT_LIMITS: Limits = {
  writesPerMinute: 40,
  writesPerHour: 2_400,
  requestsPerHour: 8_000,
  requestsPerFiveMinutes: null,
  tokensPerHour: null,
  releasesPerHour: 1,
};

/** Changes of some limits; limits that are left out keep their value. */
export type LimitChanges = { readonly [Name in keyof Limits]?: Limits[Name] | undefined };

export function mergeLimits(limits: Limits, changes: LimitChanges = {}): Limits {
  const given = Object.entries(changes).filter(([, limit]) => limit !== undefined);
  return { ...limits, ...Object.fromEntries(given) };
}
