// The schemas that the control routes share: addresses, ranges and instants.
import { z } from 'zod';
import type { AddressRef } from '../address.js';

const name = z.string('is missing').min(1, 'is empty');

/** The keys are named as in the API's paths. */
export const addressSchema = z.strictObject({ facility: name, doctor: name, address: name });

/** An unencoded plus sign in a query arrives as a space. */
const queryInstantSchema = name.transform((text) => text.replace(' ', '+'));

export const rangeSchema = addressSchema.extend({ from: queryInstantSchema, to: queryInstantSchema });

/** An ISO 8601 instant with an offset, or epoch milliseconds. */
export const instantSchema = z.union([z.string(), z.number()], 'is no instant');

export const personSchema = z.enum(['user', 'doctor'], 'is neither "user" nor "doctor"').optional();

export function toAddressRef({ facility, doctor, address }: z.output<typeof addressSchema>): AddressRef {
  return { facilityId: facility, doctorId: doctor, addressId: address };
}
