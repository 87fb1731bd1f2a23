// What the control routes read alike: which address, which range, which instant.
import { z } from 'zod';
import type { AddressRef } from '../address.js';

const name = z.string('is missing').min(1, 'is empty');

/** Named as in the API's paths. */
export const placeSchema = z.strictObject({ facility: name, doctor: name, address: name });

/** A plus sign that was typed into a query unencoded arrives as a space. */
const typedInstant = name.transform((text) => text.replace(' ', '+'));

export const rangeSchema = placeSchema.extend({ from: typedInstant, to: typedInstant });

/** An ISO 8601 instant with an offset, or epoch milliseconds. */
export const instantSchema = z.union([z.string(), z.number()], 'is no instant');

export const personSchema = z.enum(['user', 'doctor'], 'is neither "user" nor "doctor"').optional();

export function refOf({ facility, doctor, address }: z.output<typeof placeSchema>): AddressRef {
  return { facilityId: facility, doctorId: doctor, addressId: address };
}
