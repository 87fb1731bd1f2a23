// Where and how a client is pushed to. Contract: Notifications.
import { z } from 'zod';

/** What may stand in an HTTP header's name, and in its value. */
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

export const pushSchema = z.strictObject({
  /** Notifications are POSTed here; http or https. */
  url: z.url({ protocol: /^https?$/, error: 'is no http or https address' }),
  /** Sent in `header`; no such header when absent. */
  apiKey: z.string().regex(HEADER_VALUE, 'is no value of a header').optional(),
  header: z.string().regex(HEADER_NAME, 'is no name of a header').default('X-Api-Key'),
  /**
   * `retried`: without a 2xx it is tried again, then failed. `once`: one attempt, and a booking whose `slot-booked` got no 2xx is
   * cancelled. The pages disagree.
   */
  mode: z.enum(['retried', 'once']).default('retried'),
  /** Minutes of the sandbox's clock from each attempt to the next one. */
  retryMinutes: z.array(z.number().nonnegative()).default([1, 5, 15]),
  /** Real milliseconds for the whole answer. */
  timeoutMs: z.number().positive().max(600_000).default(5_000),
});

export type PushSettings = z.output<typeof pushSchema>;
