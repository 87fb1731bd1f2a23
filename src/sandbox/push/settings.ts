// The push settings of a client: its endpoint, key, retries and timeout. Contract: Notifications.
import { z } from 'zod';

/** The valid characters of an HTTP header's name and value. */
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

export const pushSchema = z.strictObject({
  /** The endpoint that notifications are POSTed to; http or https. */
  url: z.url({ protocol: /^https?$/, error: 'is no http or https address' }),
  /** The value of `header`; the header is not sent without it. */
  apiKey: z.string().regex(HEADER_VALUE, 'is no value of a header').optional(),
  header: z.string().regex(HEADER_NAME, 'is no name of a header').default('X-Api-Key'),
  /**
   * `retried`: a push without a 2xx is retried, then failed. `once`: one attempt, and a booking whose `slot-booked` got no 2xx is
   * cancelled. The marketplace's pages disagree.
   */
  mode: z.enum(['retried', 'once']).default('retried'),
  /** Minutes of the sandbox's clock between one attempt and the next. */
  retryMinutes: z.array(z.number().nonnegative()).default([1, 5, 15]),
  /** Real milliseconds for the whole response. */
  timeoutMs: z.number().positive().max(600_000).default(5_000),
});

export type PushSettings = z.output<typeof pushSchema>;
