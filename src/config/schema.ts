/** What a configuration may say, in the file and over HTTP. */
import { z } from 'zod';
import { isTimeZone } from '../core/index.js';
import { baseUrlOf, domains } from '../docplanner/index.js';
import { marketplaceId } from '../intake/vocabulary.js';
import type { Account } from '../store/accounts.js';
import type { Calendar } from '../store/calendars.js';

/** An id that the user chose: it stands in URLs and in logs. */
export const ownId = z
  .string()
  .regex(/^[\w][\w.@-]{0,99}$/, 'must be 1 to 100 letters, digits, dots, dashes, underscores or @');

const count = z.int().min(1).max(1_000_000);

const limitsSchema = z
  .strictObject({
    writesPerMinute: count.default(40),
    writesPerHour: count.default(2_400),
    requestsPerHour: count.default(8_000),
  })
  .prefault({});

const notificationsSchema = z
  .strictObject({
    mode: z.enum(['push', 'pull', 'both', 'off']).default('off'),
    pullEverySeconds: z.number().min(1).max(3_600).default(10),
    apiKey: z.string().min(1, 'must not be empty').optional(),
  })
  .prefault({});

const timeZone = z.string().refine(isTimeZone, 'is not a time zone such as Europe/Warsaw or UTC+2');

const baseUrl = z
  .url({ protocol: /^https?$/ })
  .refine((value) => !/[?#]/.test(value) && ['', '/'].includes(new URL(value).pathname), 'must have no path')
  .transform((value) => value.replace(/\/$/, ''));

const accountFields = z.strictObject({
  domain: z
    .string()
    .regex(/^(?!www\.)[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a bare domain such as znanylekarz.pl')
    .optional(),
  /** Instead of a domain: a sandbox, a test. */
  baseUrl: baseUrl.optional(),
  clientId: z.string().min(1, 'must not be empty'),
  clientSecret: z.string().min(1, 'must not be empty'),
  /** Default: the usual zone of the domain's country. */
  timeZone: timeZone.optional(),
  limits: limitsSchema,
  notifications: notificationsSchema,
});

type AccountFields = z.output<typeof accountFields>;

/** PUT /v1/accounts/{id}. */
export const accountSchema = accountFields
  .refine((value) => value.domain !== undefined || value.baseUrl !== undefined, {
    path: ['domain'],
    message: 'either domain or baseUrl is required',
  })
  .refine((value) => value.baseUrl !== undefined || value.domain === undefined || isKnown(value.domain), {
    path: ['domain'],
    message: `is none of the marketplace's (${domains.map(({ domain }) => domain).join(', ')}); another host needs baseUrl`,
  })
  .refine((value) => timeZoneOf(value) !== undefined, {
    path: ['timeZone'],
    message: 'is required, since it does not follow from the domain',
  });

const isKnown = (domain: string): boolean => domains.some((known) => known.domain === domain);

const timeZoneOf = ({ timeZone, domain }: AccountFields): string | undefined =>
  timeZone ?? domains.find((known) => known.domain === domain)?.timeZone;

export function toAccount(id: string, fields: AccountFields): Account {
  const { domain, limits, notifications, clientId, clientSecret } = fields;
  return {
    id,
    baseUrl: fields.baseUrl ?? baseUrlOf(domain ?? ''),
    ...(domain === undefined ? {} : { domain }),
    clientId,
    clientSecret,
    timeZone: timeZoneOf(fields) ?? 'UTC',
    limits,
    notifications,
  };
}

const minutes = z.int().min(0).max(1_440);

/** PUT /v1/calendars/{id}. */
export const calendarSchema = z.strictObject({
  account: ownId,
  facilityId: marketplaceId,
  doctorId: marketplaceId,
  addressId: marketplaceId,
  strategy: z.enum(['slots', 'breaks', 'book']).default('slots'),
  bufferBefore: minutes.optional(),
  bufferAfter: minutes.optional(),
  grid: z.int().min(1).max(1_440).optional(),
});

export const toCalendar = (id: string, fields: z.output<typeof calendarSchema>): Calendar => ({
  id,
  ...fields,
});

const publishSchema = z
  .strictObject({
    /** How long the first change waits for others, in milliseconds. */
    debounceMs: z.int().min(0).max(60_000).default(250),
    verify: z.enum(['always', 'sampled', 'off']).default('always'),
    /** Work periods in one PUT, at most. */
    mostEntries: z.int().min(1).max(10_000).default(500),
    /** Calendars at the same time in one process. */
    concurrency: z.int().min(1).max(100).default(8),
    /** For one request to the marketplace. */
    timeoutMs: z.int().min(100).max(120_000).default(10_000),
    /** How long a worker that died keeps its jobs, in milliseconds. */
    lockMs: z.int().min(1_000).max(600_000).default(20_000),
    /** How often what is wanted and not queued is looked for. */
    sweepSeconds: z.number().min(0.1).max(3_600).default(15),
  })
  .prefault({});

const deliverySchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).optional(),
  secret: z.string().min(1, 'must not be empty').optional(),
});

/** slotkeeper.yaml. */
export const fileSchema = z
  .strictObject({
    accounts: z.array(accountFields.extend({ id: ownId })).default([]),
    calendars: z.array(calendarSchema.extend({ id: ownId })).default([]),
    publish: publishSchema,
    resync: z.strictObject({ cron: z.string().min(1, 'must not be empty') }).optional(),
    delivery: deliverySchema.optional(),
  })
  .superRefine((file, context) => {
    unique(file.accounts, 'accounts', context);
    unique(file.calendars, 'calendars', context);
    file.accounts.forEach((account, index) => {
      for (const issue of accountSchema.safeParse(withoutId(account)).error?.issues ?? []) {
        context.addIssue({
          code: 'custom',
          path: ['accounts', index, ...issue.path],
          message: issue.message,
        });
      }
    });
    const addresses = new Map<string, string>();
    file.calendars.forEach((calendar, index) => {
      const { account, facilityId, doctorId, addressId } = calendar;
      const address = JSON.stringify([account, facilityId, doctorId, addressId]);
      const other = addresses.get(address);
      if (other !== undefined) {
        const message = `is the same doctor and address as calendar "${other}"`;
        context.addIssue({ code: 'custom', path: ['calendars', index], message });
      }
      addresses.set(address, calendar.id);
    });
  });

function unique(list: readonly { id: string }[], name: string, context: z.RefinementCtx): void {
  const seen = new Set<string>();
  list.forEach(({ id }, index) => {
    if (seen.has(id)) {
      context.addIssue({ code: 'custom', path: [name, index, 'id'], message: `"${id}" is there twice` });
    }
    seen.add(id);
  });
}

function withoutId<T extends { id: string }>({ id: _, ...rest }: T): Omit<T, 'id'> {
  return rest;
}

export type FileConfigInput = z.input<typeof fileSchema>;
export type FileConfig = z.output<typeof fileSchema>;
