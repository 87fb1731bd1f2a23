// The founding example as events and as the request that must follow, on its own date or moved to another.
import { readFileSync } from 'node:fs';
import { DateTime } from 'luxon';
import type { OccupancyEventInput } from '../../src/clinic/event-schema.js';
import type { ComputeInput, Day } from '../../src/core/index.js';

const ZONE = 'Europe/Warsaw';
const DATE = '2026-11-16';
/** The zone's offset on that date. */
const OFFSET = '+01:00';

/** An instant before the example's own date, for the clocks of an engine and a sandbox. */
export const WEEK_BEFORE = Date.parse('2026-11-09T08:00:00+01:00');

export const ACCOUNT = 'warsaw';
export const CALENDAR = 'nowak';
export const ADDRESS = { facilityId: '456', doctorId: '9876', addressId: '789' } as const;
export const calendarConfig = { id: CALENDAR, account: ACCOUNT, ...ADDRESS } as const;
export const accountConfig = (baseUrl: string) => ({
  id: ACCOUNT,
  baseUrl,
  clientId: 'clinic',
  clientSecret: 's3cret-of-the-client',
  timeZone: ZONE,
});

export interface FoundingPut {
  readonly method: string;
  readonly path: string;
  readonly body: { readonly slots: Day['slots'] };
}

type Of<T extends OccupancyEventInput['type']> = Extract<OccupancyEventInput, { type: T }>;

export interface FoundingExample {
  readonly date: string;
  readonly input: ComputeInput;
  readonly days: readonly Day[];
  /** The doctor's window, then the patient at the desk. */
  readonly events: readonly [Of<'available'>, Of<'occupied'>];
  readonly put: FoundingPut;
}

export function foundingExample(date: string = DATE): FoundingExample {
  const offset = DateTime.fromISO(`${date}T10:00`, { zone: ZONE }).toFormat('ZZ');
  const read = (name: string): string =>
    readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8')
      .replaceAll(DATE, date)
      .replaceAll(OFFSET, offset);
  return {
    date,
    input: JSON.parse(read('founding-example.json')),
    days: JSON.parse(read('founding-example.expected.json')),
    events: JSON.parse(`[${read('founding-example.ndjson').trim().split('\n').join(',')}]`),
    put: JSON.parse(read('founding-put.json')),
  };
}

/** The example on a day that is ahead of this machine's clock and within the horizon. */
export const upcomingExample = (): FoundingExample =>
  foundingExample(DateTime.now().setZone(ZONE).plus({ days: 3 }).toISODate() ?? DATE);
