/** When something that failed is tried again: after a minute, then after twice as long each time, up to six hours. */
import { type RawBuilder, sql } from 'kysely';

const FIRST_SECONDS = 60;
const MAX_SECONDS = 6 * 60 * 60;

/**
 * @param failures how often it failed before, as SQL
 * @param random from 0 to 1: the pause is shortened by up to a half, so that what failed together is not tried together
 */
export const nextRetryAt = (
  now: Date,
  failures: RawBuilder<unknown>,
  random: number,
): RawBuilder<Date> => sql<Date>`
  ${now}::timestamptz + interval '1 second' * ${0.5 + random / 2}::double precision
    * least(${MAX_SECONDS}::integer, ${FIRST_SECONDS}::integer * power(2, least(${failures}, 20)))`;
