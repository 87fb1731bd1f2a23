/** Made-up calendars to measure with: two windows a day, and appointments of a quarter of an hour in them. */
import type { Interval, Window } from 'slotkeeper/core';

export const timeZone = 'Europe/Warsaw';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A Monday, 00:00 in Warsaw, in winter: no clock change in the 84 days that follow. */
const START = Date.parse('2026-11-16T00:00:00+01:00');

export interface DayInput {
  readonly date: string;
  readonly windows: readonly Window[];
  readonly busy: readonly Interval[];
}

/** How instants are written. */
export type Form = 'epoch ms' | 'ISO 8601';

const services = [{ id: '123', duration: 10 }];

/**
 * The n-th day (they begin again after `period` days): 08:00-13:00 and 14:00-19:00, with `appointments` of 15 minutes
 * spread over both, so that each free stretch is long enough for the service.
 */
export function dayInput(n: number, form: Form, appointments = 15, period = 84): DayInput {
  const midnight = START + (n % period) * DAY;
  const write = writer(form);
  const span = (start: number, end: number): Interval => ({ start: write(start), end: write(end) });
  const windows = [8, 14].map((hour) => ({
    ...span(midnight + hour * HOUR, midnight + (hour + 5) * HOUR),
    services,
  }));
  const busy = Array.from({ length: appointments }, (_, i) => {
    const minute = 10 + Math.floor((i * 590) / appointments) + ((n + i) % 3) * 5;
    const start = midnight + 8 * HOUR + (minute < 300 ? minute : minute + 60) * MINUTE;
    return span(start, start + 15 * MINUTE);
  });
  return { date: iso(midnight).slice(0, 10), windows, busy };
}

/**
 * The windows of the n-th day, and random busy intervals in no order, which begin from 07:00 to 19:50 and last 10 to 60
 * minutes: many overlap, some touch, some leave the windows. They lie on tens of minutes, so that each free stretch is
 * long enough for the service.
 */
export function scatteredDay(n: number, form: Form, appointments: number): DayInput {
  const { date, windows } = dayInput(n, form, 0);
  const write = writer(form);
  const random = generator(n * 1_000 + appointments);
  const tens = (least: number, most: number) =>
    (least + Math.floor(random() * (most - least + 1))) * 10 * MINUTE;
  const busy = Array.from({ length: appointments }, () => {
    const start = Date.parse(`${date}T00:00:00+01:00`) + 7 * HOUR + tens(0, 77);
    return { start: write(start), end: write(start + tens(1, 6)) };
  });
  return { date, windows, busy };
}

/** Numbers from 0 to 1 that look random, and are the same in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const writer = (form: Form) => (form === 'epoch ms' ? (ms: number) => ms : iso);

/** `2026-11-16T08:00:00+01:00` */
function iso(ms: number): string {
  return `${new Date(ms + HOUR).toISOString().slice(0, 19)}+01:00`;
}
