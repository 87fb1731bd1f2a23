/** The exponential backoff of failed days, calendars and bookings, as SQL: a minute, doubled with each failure, at most six hours. */
import { type RawBuilder, sql } from 'kysely';

const FIRST_SECONDS = 60;
const MAX_SECONDS = 6 * 60 * 60;

/**
 * @param failures the number of earlier failures, as SQL
 * @param random jitter from 0 to 1: shortens the delay by up to a half, so that what failed together is not retried together
 */
export const nextRetryAt = (
  now: Date,
  failures: RawBuilder<unknown>,
  random: number,
): RawBuilder<Date> => sql<Date>`
  ${now}::timestamptz + interval '1 second' * ${0.5 + random / 2}::double precision
    * least(${MAX_SECONDS}::integer, ${FIRST_SECONDS}::integer * power(2, least(${failures}, 20)))`;
