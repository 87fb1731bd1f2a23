/** The schemas of the configuration, for the file and for HTTP requests. */
import { z } from 'zod';
import { marketplaceId } from '../clinic/event-schema.js';
import { MINUTE } from '../core/duration.js';
import { isTimeZone } from '../core/index.js';
import { DEFAULT_MAX_PUSH_BYTES } from '../db/tables/account.js';
import { type Account, OWN_NOTIFICATIONS } from '../db/tables/accounts.js';
import type { Calendar } from '../db/tables/calendars.js';
import { signingKeyOf } from '../delivery/destination.js';
import { baseUrlOf, domains } from '../docplanner/domains.js';
import { isLinkLocal } from '../lib/private-addresses.js';
import { isCron } from '../resync/cron.js';
import { networkSchema } from './network.js';

/** An id that the user chooses. It appears in URLs and logs. */
export const ownId = z
  .string()
  .regex(/^[\w][\w.@-]{0,99}$/, 'must be 1 to 100 letters, digits, dots, dashes, underscores or @');

const requestCount = z.int().min(1).max(1_000_000);

const limitsSchema = z
  .strictObject({
    writesPerMinute: requestCount.default(40),
    writesPerHour: requestCount.default(2_400),
    requestsPerHour: requestCount.default(8_000),
    requestsPerFiveMinutes: requestCount.optional(),
  })
  .prefault({});

/**
 * Whether a URL has no user and no password. Logs, responses and backups contain URLs, so a URL must contain no
 * credentials.
 */
const hasNoCredentials = (value: string): boolean => {
  const { username, password } = new URL(value);
  return username === '' && password === '';
};
const NO_USER = 'must have no user and no password in it';

const usesPush = (mode: string): boolean => mode === 'push' || mode === 'both';

const notificationsSchema = z
  .strictObject({
    mode: z.enum(['push', 'pull', 'both', 'off']).default('off'),
    pullEverySeconds: z.number().min(1).max(3_600).default(10),
    apiKey: z.string().min(1, 'must not be empty').optional(),
    header: z
      .string()
      .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'is not the name of a header')
      .default('X-Api-Key'),
    allowFrom: z.array(networkSchema).min(1).optional(),
    /** The error code of the answer to a denied patient's request, by reason. */
    errorCodes: z
      .partialRecord(z.enum(['taken', 'not-offered', 'past', 'unknown-calendar', 'clinic']), z.int())
      .optional(),
    sweepMinutes: z.number().min(1).max(10_080).default(360),
    /** The largest accepted body of a push, in bytes. */
    maxBytes: z
      .int()
      .min(1024)
      .max(16 * 1024 * 1024)
      .default(DEFAULT_MAX_PUSH_BYTES),
  })
  .refine(
    ({ mode, apiKey, allowFrom }) => !usesPush(mode) || apiKey !== undefined || allowFrom !== undefined,
    {
      path: ['apiKey'],
      message: 'is required for push, or allowFrom is',
    },
  )
  .prefault({});

const placeholderSchema = z.strictObject({
  name: z.string().min(1, 'must not be empty'),
  phone: z.string().min(1, 'must not be empty'),
  surname: z.string().optional(),
  email: z.string().optional(),
  birth_date: z.iso.date().optional(),
  nin: z.string().optional(),
  gender: z.enum(['m', 'f']).optional(),
});

const sourceSchema = z.strictObject({
  type: z.literal('http'),
  url: z.url({ protocol: /^https?$/ }).refine(hasNoCredentials, `${NO_USER}: put them into headers`),
  /** Headers may be secrets. They are never returned and never logged. */
  headers: z
    .record(
      z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'is not the name of a header'),
      z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'has characters that a header cannot have'),
    )
    .optional(),
  timeoutSeconds: z.number().min(1).max(3_600).default(300),
});

const webhookUrl = z.url({ protocol: /^https?$/ }).refine(hasNoCredentials, `${NO_USER}: the secret signs`);
const webhookSecret = z
  .string()
  .min(1, 'must not be empty')
  .refine((value) => signingKeyOf(value) !== undefined, 'must be base64 after whsec_');

const ownNotifications = z.array(z.enum(OWN_NOTIFICATIONS));

const timeZone = z.string().refine(isTimeZone, 'is not a time zone such as Europe/Warsaw or UTC+2');

const baseUrl = z
  .url({ protocol: /^https?$/ })
  .refine((value) => !/[?#]/.test(value) && ['', '/'].includes(new URL(value).pathname), 'must have no path')
  .refine(hasNoCredentials, `${NO_USER}: clientId and clientSecret are`)
  .transform((value) => value.replace(/\/$/, ''));

const accountFields = z.strictObject({
  domain: z
    .string()
    .regex(/^(?!www\.)[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a bare domain such as znanylekarz.pl')
    .optional(),
  /** Replaces the domain, for a sandbox or a test. */
  baseUrl: baseUrl.optional(),
  clientId: z.string().min(1, 'must not be empty'),
  clientSecret: z.string().min(1, 'must not be empty'),
  /** Default: the usual zone of the domain's country. */
  timeZone: timeZone.optional(),
  limits: limitsSchema,
  notifications: notificationsSchema,
  /** The account's own webhook. It replaces the webhook for all accounts. */
  delivery: z
    .strictObject({
      url: webhookUrl,
      secret: webhookSecret,
      approvalUrl: webhookUrl.optional(),
      events: ownNotifications.optional(),
    })
    .optional(),
  /** The patient of placeholder bookings. */
  placeholder: placeholderSchema.optional(),
  foundingMovePath: z.boolean().optional(),
  /** The endpoint that returns snapshots of all calendars of the account. */
  source: sourceSchema.optional(),
});

type AccountFields = z.output<typeof accountFields>;

/** The body of PUT /v1/accounts/{id}. */
export const accountSchema = accountFields
  .refine((value) => value.domain !== undefined || value.baseUrl !== undefined, {
    path: ['domain'],
    message: 'either domain or baseUrl is required',
  })
  .refine(
    (value) => value.baseUrl !== undefined || value.domain === undefined || isKnownDomain(value.domain),
    {
      path: ['domain'],
      message: `is none of the marketplace's (${domains.map(({ domain }) => domain).join(', ')}); another host needs baseUrl`,
    },
  )
  .refine((value) => timeZoneOf(value) !== undefined, {
    path: ['timeZone'],
    message: 'is required, since it does not follow from the domain',
  });

const isKnownDomain = (domain: string): boolean => domains.some((known) => known.domain === domain);

const timeZoneOf = ({ timeZone, domain }: AccountFields): string | undefined =>
  timeZone ?? domains.find((known) => known.domain === domain)?.timeZone;

export function toAccount(id: string, fields: AccountFields): Account {
  const {
    domain,
    limits,
    notifications,
    delivery,
    clientId,
    clientSecret,
    placeholder,
    foundingMovePath,
    source,
  } = fields;
  return {
    id,
    baseUrl: fields.baseUrl ?? baseUrlOf(domain ?? ''),
    ...(domain === undefined ? {} : { domain }),
    clientId,
    clientSecret,
    timeZone: timeZoneOf(fields) ?? 'UTC',
    limits,
    notifications,
    ...(delivery === undefined ? {} : { delivery }),
    ...(placeholder === undefined ? {} : { placeholder }),
    ...(foundingMovePath === undefined ? {} : { foundingMovePath }),
    ...(source === undefined ? {} : { source }),
  };
}

const minutes = z.int().min(0).max(1_440);

/** The body of PUT /v1/calendars/{id}. */
export const calendarSchema = z.strictObject({
  account: ownId,
  facilityId: marketplaceId,
  doctorId: marketplaceId,
  addressId: marketplaceId,
  strategy: z.enum(['slots', 'breaks', 'book']).default('slots'),
  bufferBefore: minutes.optional(),
  bufferAfter: minutes.optional(),
  grid: z.int().min(1).max(1_440).optional(),
  /** For `breaks` and `book`: whether changes also apply to the coupled addresses. */
  applyOnCoupledAddresses: z.boolean().optional(),
});

export const toCalendar = (id: string, fields: z.output<typeof calendarSchema>): Calendar => ({
  id,
  ...fields,
});

const publishSchema = z
  .strictObject({
    /** The time that a change waits for further changes, in milliseconds. */
    debounceMs: z.int().min(0).max(MINUTE).default(250),
    /** Whether a change is published at once if the calendar had no change for `debounceMs`. */
    leading: z.boolean().default(true),
    verify: z.enum(['always', 'sampled', 'off']).default('always'),
    /** The maximum number of work periods in one PUT. */
    mostEntries: z.int().min(1).max(10_000).default(500),
    /** The number of calendars that one process publishes concurrently. */
    concurrency: z.int().min(1).max(100).default(8),
    /** The timeout of one request to the marketplace. */
    timeoutMs: z.int().min(100).max(120_000).default(10_000),
    /** The time after which the jobs of a crashed worker are released, in milliseconds. */
    lockMs: z.int().min(1_000).max(600_000).default(20_000),
    /** The interval of the requeue sweep, which enqueues pending days without a job. */
    sweepSeconds: z.number().min(0.1).max(3_600).default(15),
  })
  .prefault({});

const holdsSchema = z
  .union([
    z.literal('off'),
    z.strictObject({
      /** A snapshot that deletes more than this share of the future windows or occupancies is held. */
      share: z.number().gt(0).max(1).default(0.5),
    }),
  ])
  .prefault({});

const deliverySchema = z
  .strictObject({
    /** The webhook of accounts without their own webhook. */
    url: webhookUrl.optional(),
    secret: webhookSecret.optional(),
    /** The endpoint that approves or rejects a patient's booking for the clinic. */
    approvalUrl: webhookUrl.optional(),
    /** The engine's own changes that the clinics are notified of, besides what the marketplace reports. */
    events: ownNotifications.default([]),
    /** Whether notifications are also published to a queue for the PMS. */
    queue: z.boolean().default(false),
    /** The timeout of one delivery attempt. */
    timeoutMs: z.int().min(100).max(MINUTE).default(10_000),
    /** The number of days that patients' data is retained after delivery; if only the feed exists, after arrival. */
    keepDays: z.number().min(0).max(30).default(7),
  })
  .refine(({ url, approvalUrl, secret }) => (url ?? approvalUrl) === undefined || secret !== undefined, {
    path: ['secret'],
    message: 'is required with a url: what is sent is signed',
  })
  .refine(({ url, approvalUrl, secret }) => secret === undefined || (url ?? approvalUrl) !== undefined, {
    path: ['url'],
    message: 'is required with a secret',
  })
  .prefault({});

const resyncSchema = z.strictObject({
  /** The schedule, in the time zone of each account. */
  cron: z.string().refine(isCron, 'is no cron expression such as 0 3 * * *'),
  /** The period over which the starts of the accounts are spread, so that they do not start together. */
  spreadMinutes: z.number().min(0).max(720).default(60),
});

const historySchema = z
  .strictObject({
    /** The number of days that the history is kept. */
    keepDays: z.number().min(1).max(3_650).default(30),
  })
  .prefault({});

const networkSettings = z
  .strictObject({
    /** Private networks that the URLs of accounts from HTTP requests may use. Default: loopback if HOST is loopback. */
    allowPrivate: z
      .array(networkSchema.refine((value) => !isLinkLocal(value), 'is link-local, which is never asked'))
      .optional(),
  })
  .prefault({});

/** The content of slotkeeper.yaml. */
export const fileSchema = z
  .strictObject({
    accounts: z.array(accountFields.extend({ id: ownId })).default([]),
    calendars: z.array(calendarSchema.extend({ id: ownId })).default([]),
    publish: publishSchema,
    holds: holdsSchema,
    resync: resyncSchema.optional(),
    delivery: deliverySchema,
    history: historySchema,
    network: networkSettings,
  })
  .superRefine((file, context) => {
    rejectDuplicateIds(file.accounts, 'accounts', context);
    rejectDuplicateIds(file.calendars, 'calendars', context);
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

function rejectDuplicateIds(list: readonly { id: string }[], name: string, context: z.RefinementCtx): void {
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
