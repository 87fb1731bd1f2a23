// Serializes the marketplace's resources as its API responses have them. Contract: Resources, bookSlot.

import type { Booking, Patient } from './market/booking.js';
import type { Break } from './market/break.js';
import { insurancePlans, insuranceProviders } from './market/dictionaries.js';
import type { ParsedAddress, ParsedDoctor, ParsedFacility, ParsedService } from './seed.js';
import type { LocalZone } from './zone.js';

/** The scopes that a request lists in `with`. */
export type Scopes = ReadonlySet<string>;

const NO_SCOPES: Scopes = new Set();

export function serializeCollection<Item, Serialized>(
  all: readonly Item[],
  serialize: (item: Item) => Serialized,
) {
  return { _items: all.map((item) => serialize(item)) };
}

export function serializeFacility({ id, name, doctors }: ParsedFacility, scopes = NO_SCOPES) {
  return {
    id,
    name: name ?? `Facility ${id}`,
    ...(scopes.has('facility.doctors') && {
      doctors: serializeCollection(doctors, (doctor) => serializeDoctor(doctor)),
    }),
  };
}

export function serializeDoctor(doctor: ParsedDoctor, scopes = NO_SCOPES) {
  const { id, name, surname, specializations = [], licenseNumbers = [] } = doctor;
  return {
    id,
    name: name ?? 'Doctor',
    surname: surname ?? id,
    ...(scopes.has('doctor.profile_url') && { profile_url: `https://www.example.com/doctors/${id}` }),
    ...(scopes.has('doctor.specializations') && {
      specializations: serializeCollection(specializations, ({ id, name }) => ({
        id,
        name: name ?? `Specialization ${id}`,
      })),
    }),
    ...(scopes.has('doctor.license_numbers') && {
      license_numbers: serializeCollection(licenseNumbers, (license_number) => ({
        id: license_number,
        license_number,
      })),
    }),
  };
}

/** The addresses that are currently assigned to the clients. */
export function assignedAddresses({ addresses }: ParsedDoctor): readonly ParsedAddress[] {
  return addresses.filter(({ assigned }) => assigned !== false);
}

export function serializeAddress(address: ParsedAddress, scopes = NO_SCOPES) {
  const { id, name, cityName = null, postCode = null, street, bookingExtraFields: extra } = address;
  return {
    id,
    name: name ?? `Address ${id}`,
    city_name: cityName,
    post_code: postCode,
    street: street ?? 'Street',
    ...(scopes.has('address.booking_extra_fields') && {
      booking_extra_fields: {
        gender: extra?.gender ?? false,
        nin: extra?.nin ?? false,
        birth_date: extra?.birthDate ?? false,
      },
    }),
    ...(scopes.has('address.online_only') && { is_online_only: address.onlineOnly ?? false }),
    ...(scopes.has('address.visit_payment') && { visit_payment: address.visitPayment ?? false }),
    ...(scopes.has('address.commercial_type') && { commercial_type: commercialTypeOf(address) }),
    ...(scopes.has('address.insurance_support') && {
      insurance_support: address.insuranceSupport ?? 'private_and_insurance',
    }),
  };
}

/** An address that is not commercial is `basic`. */
export function commercialTypeOf({ commercialType, commercial }: ParsedAddress) {
  return commercialType ?? (commercial === false ? 'basic' : 'premium');
}

/** The fields of a service that every response has. */
export function serializeServiceSummary({
  id,
  name,
  customName,
  price,
  isPriceFrom,
  isVisible,
}: ParsedService) {
  return {
    id,
    name: customName ?? name ?? `Service ${id}`,
    // The marketplace truncates the price to whole units here.
    price: price === undefined || price === null ? null : Math.trunc(price),
    is_price_from: isPriceFrom ?? false,
    is_visible: isVisible ?? true,
  };
}

export function serializeService(service: ParsedService, scopes = NO_SCOPES) {
  const { serviceId = null, description = null, duration, allowedPatients, customName } = service;
  return {
    ...serializeServiceSummary(service),
    is_default: service.isDefault ?? false,
    service_id: serviceId,
    description,
    ...(duration !== undefined && { default_duration: duration }),
    ...(scopes.has('address_service.allowed_patients') && { allowed_patients: allowedPatients ?? null }),
    ...(scopes.has('address_service.custom_name') && { custom_name: customName ?? null }),
    ...(scopes.has('address_service.public_insurance_flow') && {
      is_public_insurance_flow: service.publicInsurance ?? false,
    }),
  };
}

export function serializeBreak({ id, start, end, description }: Break, zone: LocalZone) {
  return { id, since: zone.format(start), till: zone.format(end), description };
}

export function serializePatient({
  name,
  phone,
  surname = '',
  email,
  birth_date,
  nin,
  gender,
  ...rest
}: Patient) {
  return {
    name,
    surname,
    email: email ?? null,
    phone,
    birth_date: birth_date ?? null,
    nin: nin ?? null,
    gender: gender ?? null,
    is_returning: rest.is_returning ?? false,
    insurance_number: rest.insurance_number ?? null,
  };
}

export function serializeInsurance({ insurance }: Pick<Booking, 'insurance'>) {
  if (insurance === undefined) return null;
  const { providerId, planId } = insurance;
  const provider = insuranceProviders.find(({ id }) => id === providerId);
  const plan = insurancePlans(providerId).find(({ id }) => id === planId);
  return {
    id: providerId,
    name: provider?.name ?? `Insurance provider ${providerId}`,
    plan: plan?.name ?? null,
    plan_id: planId ?? null,
  };
}

/** A booking in a list; the scopes decide which optional fields it has. */
export function serializeListedBooking(
  booking: Booking,
  zone: LocalZone,
  service: ParsedService,
  scopes: Scopes,
) {
  return {
    ...serializeBookingSummary(booking, zone),
    canceled_by: booking.canceledBy ?? '',
    canceled_at: formatInstant(booking.canceledAt, zone),
    comment: booking.comment === '' ? null : booking.comment,
    insurance: serializeInsurance(booking),
    ...serializePayment(booking),
    ...(scopes.has('booking.patient') && { patient: serializePatient(booking.patient) }),
    ...(scopes.has('booking.address_service') && { address_service: serializeService(service, scopes) }),
    ...(scopes.has('booking.presence') && { presence: booking.presence ?? null }),
    ...(scopes.has('booking.confirmation') && { confirmed: booking.confirmed }),
  };
}

/** A single booking, with its patient and its service. */
export function serializeBooking(
  booking: Booking,
  zone: LocalZone,
  service: ParsedService,
  scopes = NO_SCOPES,
) {
  return {
    ...serializeListedBooking(booking, zone, service, NO_SCOPES),
    presence: booking.presence ?? null,
    address_service: serializeService(service, scopes),
    patient: serializePatient(booking.patient),
  };
}

/** The fields of a booking that responses and notifications share. */
export function serializeBookingSummary(booking: Booking, zone: LocalZone) {
  return {
    id: booking.id,
    status: booking.status,
    start_at: zone.format(booking.start),
    end_at: zone.format(booking.end),
    /** Minutes. */
    duration: durationMinutes(booking),
    booked_by: booking.bookedBy,
    booked_at: zone.format(booking.bookedAt),
  };
}

export function formatInstant(instant: number | undefined, zone: LocalZone): string | null {
  return instant === undefined ? null : zone.format(instant);
}

export function durationMinutes({ start, end }: { readonly start: number; readonly end: number }): number {
  return (end - start) / 60_000;
}

/** Only bookings that are paid online have these fields. */
function serializePayment({ payment }: Booking) {
  return payment === undefined ? {} : { visit_payment: true, visit_payment_status: payment };
}
