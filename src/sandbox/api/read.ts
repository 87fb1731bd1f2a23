// Reads parts of a request, and refuses them as the contract does. Contract: Errors.
import { z } from 'zod';
import type { AddressRef } from '../address.js';
import type { Lookup } from '../directory.js';
import { Refusal } from '../http/answer.js';
import type { Call } from '../http/operation.js';
import type { Calendar } from '../market/calendar.js';
import { isCommercial } from '../market/places.js';
import type { Interval } from '../market/starts.js';
import { pathOf } from '../path.js';
import type { KnownAddress } from '../seed.js';
import type { Scopes } from '../serialize.js';
import { parseWritten } from '../zone.js';

/** The calendar a request is about. */
export interface Place {
  readonly ref: AddressRef;
  readonly address: KnownAddress;
  readonly calendar: Calendar;
}

/** Throws 403 outside the client's estate, 404 where nothing is. */
export function placeOf(call: Call): Place {
  const ref = {
    facilityId: param(call, 'facilityId'),
    doctorId: param(call, 'doctorId'),
    addressId: param(call, 'addressId'),
  };
  return placeAt(call, ref);
}

export function placeAt(call: Call, ref: AddressRef): Place {
  const address = found(call.market.directory.address(call.client, ref));
  const calendar = call.market.calendar(ref);
  if (calendar === undefined) throw new Refusal(404, 'Address not found.');
  return { ref, address, calendar };
}

/** The same, for a change: 403 too where the client may look but not edit. */
export function editablePlaceOf(call: Call): Place {
  const place = placeOf(call);
  assertEditable(place);
  return place;
}

/** Throws 404 where the address has no calendar yet. */
export function madeCalendar({ calendar }: Place): Calendar {
  if (calendar.status === 'none') throw new Refusal(404, 'Calendar not found.');
  return calendar;
}

export function assertEditable({ address }: Place): void {
  if (address.editable === false) throw new Refusal(403, 'No right to edit this calendar.');
}

export function found<Found>(lookup: Lookup<Found>): Found {
  switch (lookup.state) {
    case 'found':
      return lookup.found;
    case 'outside':
      throw new Refusal(403, 'Access denied.');
    case 'gone':
      throw new Refusal(404, `${lookup.what} not found.`);
  }
}

export function param(call: Call, name: string): string {
  const value = call.params[name];
  if (value === undefined) throw new Refusal(404, 'Not found.');
  return value;
}

/** It names what is wrong in words only, as nearly every 400 of the marketplace does. */
export function invalid(path: string, message: string): Refusal {
  return new Refusal(400, path === '' ? message : `${path}: ${message}`);
}

/** The body in the shape of a schema, or the 400 that says what is wrong first. */
export function bodyAs<Schema extends z.ZodType>(schema: Schema, call: Call): z.output<Schema> {
  const read = schema.safeParse(call.body.json() ?? {});
  if (read.success) return read.data;
  const [first] = read.error.issues;
  throw invalid(pathOf(first?.path ?? []), first?.message ?? 'Invalid arguments');
}

/** What is asked for besides. */
export function scopesOf(call: Call): Scopes {
  return new Set((call.query.get('with') ?? '').split(','));
}

/** Throws 422 where nothing can be sold. */
export function assertCommercial(place: Place): void {
  if (!isCommercial(place)) throw new Refusal(422, 'The address is not commercial.');
}

/** Two required instants in the query, named as the operation names them. */
export function rangeIn(call: Call, startName: string, endName: string): Interval {
  const start = instantIn(call, startName);
  const end = instantIn(call, endName);
  if (end <= start) throw invalid(endName, `${endName} should be later than ${startName}.`);
  return { start, end };
}

export function instantIn(call: Call, name: string): number {
  const text = call.query.get(name);
  if (text === null) throw invalid(name, 'This value is required.');
  const instant = parseWritten(text);
  if (instant === undefined) throw invalid(name, NOT_AN_INSTANT);
  return instant;
}

export const NOT_AN_INSTANT =
  'This value is not a valid datetime: ISO 8601 with seconds and an offset, percent-encoded in a path or query.';

/** An id as the live API has it, or the number of older pages. Contract: Hosts. */
export const idSchema = z
  .union([z.string().min(1), z.int().nonnegative()], 'This value should be an id.')
  .transform(String);

export const instantSchema = z.string('This value should be a datetime.').transform((text, context) => {
  const instant = parseWritten(text);
  if (instant !== undefined) return instant;
  context.addIssue({ code: 'custom', message: NOT_AN_INSTANT });
  return z.NEVER;
});

/** Whole minutes; older pages send them as text. */
export const minutesSchema = z
  .union(
    [z.int(), z.string().regex(/^\d+$/).transform(Number)],
    'This value should be a whole number of minutes.',
  )
  .refine((minutes) => minutes >= 1, 'This value should be at least 1.');
