// What a marketplace has: facilities, their doctors, the doctors' addresses and the services of each; and the API clients
// that may act for them. These are the shapes a person or a test writes down.
import { z } from 'zod';
import { pushSchema } from './push/settings.js';
import { findZone } from './zone.js';

const id = z.union([z.string().min(1), z.int().nonnegative()]).transform(String);

const limit = z.int().positive().nullable();

/** Requests a client may make; null switches one off, and its headers with it. Contract: Limits. */
export const limitsSchema = z.strictObject({
  writesPerMinute: limit,
  writesPerHour: limit,
  requestsPerHour: limit,
  /** From one network address; answered by the firewall with HTML. Off unless asked for: loopback is "inside the country". */
  requestsPerFiveMinutes: limit,
  /** More tokens than this in an hour score the client as a bot: the firewall answers. Off unless asked for. */
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
  /** Of the dictionary; a service of the doctor's own when absent. */
  serviceId: id.optional(),
  description: z.string().nullable().optional(),
  /** Minutes that a visit lasts where a slot says no other. */
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
  /** Through which visits are paid; a paid one does not move to an address of another. One for all when absent. */
  paymentAccount: z.string().optional(),
  /** What a patient has to say to book. */
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
  /** False: a client has no right to edit this calendar, 403. */
  editable: z.boolean().optional(),
  /** `premium`; a `basic` one is not commercial: business rules refuse slots, 422. */
  commercialType: commercialTypeSchema.optional(),
  /** False is the type `basic`. */
  commercial: z.boolean().optional(),
  /** False: it is not the clients' at the moment: 403, and nothing of it is told. */
  assigned: z.boolean().optional(),
  /** False: the address is disabled, and its calendar can not be enabled, 400. */
  active: z.boolean().optional(),
  /** None: nobody has made one; replaceSlots and a break do. */
  calendar: z.enum(['enabled', 'disabled', 'none']).optional(),
  /** How a work period of services of different durations is cut; by the duration of each unless said otherwise. */
  cutting: cuttingSchema.optional(),
  /** Addresses of the same doctor that take a break with this one when `apply_on_coupled_addresses` is sent. */
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
    /** Facility ids it may act for; all of them when absent. */
    facilities: z.array(id).optional(),
    limits: limitsSchema.partial().optional(),
    /** It may take the integration off an address. */
    removesIntegrations: z.boolean().optional(),
    /** How it hears of notifications, `pull` by default; only `push` and `both` may ask for a release. */
    notifications: z.enum(['pull', 'push', 'both']).optional(),
    /** Without it there is nowhere to push to, and all is pulled. */
    push: pushSchema.optional(),
    /** It is asked, at `push.url`, before a patient books or moves. */
    asks: z.boolean().optional(),
    /** Real milliseconds that a question waits for its answer; 2,000. */
    askTimeoutMs: z.number().positive().max(600_000).optional(),
  })
  .refine(({ push, notifications = 'pull' }) => push === undefined || notifications !== 'pull', {
    path: ['push'],
    error: 'needs notifications to be "push" or "both"',
  })
  .refine(({ push, asks }) => push !== undefined || asks !== true, {
    path: ['asks'],
    error: 'needs push: it is there that a client is asked',
  });

export const estateSchema = z.strictObject({ facilities: z.array(facilitySchema) });

export type Limits = z.output<typeof limitsSchema>;
export type Estate = z.input<typeof estateSchema>;
export type Client = z.input<typeof clientSchema>;
export type KnownClient = z.output<typeof clientSchema>;
export type KnownEstate = z.output<typeof estateSchema>;
export type KnownFacility = z.output<typeof facilitySchema>;
export type KnownDoctor = z.output<typeof doctorSchema>;
export type KnownAddress = z.output<typeof addressSchema>;
export type Service = z.input<typeof serviceSchema>;
export type Cutting = z.output<typeof cuttingSchema>;
export type KnownService = z.output<typeof serviceSchema>;

/** Contract: Limits. The two firewall numbers are off until they are asked for. */
export const CONTRACT_LIMITS: Limits = {
  writesPerMinute: 40,
  writesPerHour: 2_400,
  requestsPerHour: 8_000,
  requestsPerFiveMinutes: null,
  tokensPerHour: null,
  releasesPerHour: 1,
};

/** New numbers for some limits; what is left out stays. */
export type LimitChanges = { readonly [Name in keyof Limits]?: Limits[Name] | undefined };

export function mergeLimits(limits: Limits, changes: LimitChanges = {}): Limits {
  const given = Object.entries(changes).filter(([, limit]) => limit !== undefined);
  return { ...limits, ...Object.fromEntries(given) };
}
