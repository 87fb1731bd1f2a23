// Parses the parts of a request and throws the contract's errors for invalid ones. Contract: Errors.
import { z } from 'zod';
import type { AddressRef } from '../address.js';
import type { Lookup } from '../directory.js';
import { formatPath } from '../format-path.js';
import type { OperationCall } from '../http/operation.js';
import { ApiError } from '../http/response.js';
import { isCommercial } from '../market/addresses.js';
import type { Calendar } from '../market/calendar.js';
import type { Interval } from '../market/starts.js';
import type { ParsedAddress } from '../seed.js';
import type { Scopes } from '../serialize.js';
import { parseApiInstant } from '../zone.js';

/** The address and the calendar that a request names. */
export interface CalendarTarget {
  readonly ref: AddressRef;
  readonly address: ParsedAddress;
  readonly calendar: Calendar;
}

/** @throws ApiError 403 outside the client's estate, 404 for an unknown doctor or address */
export function resolveTarget(call: OperationCall): CalendarTarget {
  const ref = {
    facilityId: requireParam(call, 'facilityId'),
    doctorId: requireParam(call, 'doctorId'),
    addressId: requireParam(call, 'addressId'),
  };
  return resolveTargetAt(call, ref);
}

export function resolveTargetAt(call: OperationCall, ref: AddressRef): CalendarTarget {
  const address = requireFound(call.market.directory.lookUpAddress(call.client, ref));
  const calendar = call.market.resolveCalendar(ref);
  if (calendar === undefined) throw new ApiError(404, 'Address not found.');
  return { ref, address, calendar };
}

/**
 * The target of a change.
 * @throws ApiError as {@link resolveTarget}, and 403 for a calendar that the client may not edit
 */
export function resolveEditableTarget(call: OperationCall): CalendarTarget {
  const target = resolveTarget(call);
  assertEditable(target);
  return target;
}

/** @throws ApiError 404 where the address has no calendar yet */
export function requireCalendar({ calendar }: CalendarTarget): Calendar {
  if (calendar.status === 'none') throw new ApiError(404, 'Calendar not found.');
  return calendar;
}

export function assertEditable({ address }: CalendarTarget): void {
  if (address.editable === false) throw new ApiError(403, 'No right to edit this calendar.');
}

export function requireFound<Found>(lookup: Lookup<Found>): Found {
  switch (lookup.state) {
    case 'found':
      return lookup.found;
    case 'outside':
      throw new ApiError(403, 'Access denied.');
    case 'gone':
      throw new ApiError(404, `${lookup.what} not found.`);
  }
}

export function requireParam(call: OperationCall, name: string): string {
  const value = call.params[name];
  if (value === undefined) throw new ApiError(404, 'Not found.');
  return value;
}

/** A 400 that names the invalid field only in its message, as nearly every 400 of the marketplace does. */
export function invalidRequest(path: string, message: string): ApiError {
  return new ApiError(400, path === '' ? message : `${path}: ${message}`);
}

/**
 * The body parsed by a schema.
 * @throws ApiError 400 with the first problem
 */
export function parseBody<Schema extends z.ZodType>(schema: Schema, call: OperationCall): z.output<Schema> {
  const result = schema.safeParse(call.body.json() ?? {});
  if (result.success) return result.data;
  const [first] = result.error.issues;
  throw invalidRequest(formatPath(first?.path ?? []), first?.message ?? 'Invalid arguments');
}

/** The scopes in the query parameter `with`. */
export function parseScopes(call: OperationCall): Scopes {
  return new Set((call.query.get('with') ?? '').split(','));
}

/** @throws ApiError 422 for an address that is not commercial */
export function assertCommercial(target: CalendarTarget): void {
  if (!isCommercial(target)) throw new ApiError(422, 'The address is not commercial.');
}

/** The range between two required instants in the query. */
export function parseRange(call: OperationCall, startName: string, endName: string): Interval {
  const start = parseInstantParam(call, startName);
  const end = parseInstantParam(call, endName);
  if (end <= start) throw invalidRequest(endName, `${endName} should be later than ${startName}.`);
  return { start, end };
}

export function parseInstantParam(call: OperationCall, name: string): number {
  const text = call.query.get(name);
  if (text === null) throw invalidRequest(name, 'This value is required.');
  const instant = parseApiInstant(text);
  if (instant === undefined) throw invalidRequest(name, NOT_AN_INSTANT);
  return instant;
}

export const NOT_AN_INSTANT =
  'This value is not a valid datetime: ISO 8601 with seconds and an offset, percent-encoded in a path or query.';

/** An id as text, as in the live API, or as a number, as on older pages. Contract: Hosts. */
export const idSchema = z
  .union([z.string().min(1), z.int().nonnegative()], 'This value should be an id.')
  .transform(String);

export const instantSchema = z.string('This value should be a datetime.').transform((text, context) => {
  const instant = parseApiInstant(text);
  if (instant !== undefined) return instant;
  context.addIssue({ code: 'custom', message: NOT_AN_INSTANT });
  return z.NEVER;
});

/** Whole minutes, as a number or, as on older pages, as text. */
export const minutesSchema = z
  .union(
    [z.int(), z.string().regex(/^\d+$/).transform(Number)],
    'This value should be a whole number of minutes.',
  )
  .refine((minutes) => minutes >= 1, 'This value should be at least 1.');
