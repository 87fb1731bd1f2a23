// How things of the marketplace are written in its answers. Contract: Resources, bookSlot.

import type { Booking, Patient } from './market/booking.js';
import type { Break } from './market/break.js';
import { insurancePlans, insuranceProviders } from './market/dictionaries.js';
import type { KnownAddress, KnownDoctor, KnownFacility, KnownService } from './seed.js';
import type { LocalZone } from './zone.js';

/** What a request asks for besides, in `with`. */
export type Scopes = ReadonlySet<string>;

const NO_SCOPES: Scopes = new Set();

export function items<Item, Written>(all: readonly Item[], write: (item: Item) => Written) {
  return { _items: all.map((item) => write(item)) };
}

export function writtenFacility({ id, name, doctors }: KnownFacility, scopes = NO_SCOPES) {
  return {
    id,
    name: name ?? `Facility ${id}`,
    ...(scopes.has('facility.doctors') && { doctors: items(doctors, (doctor) => writtenDoctor(doctor)) }),
  };
}

export function writtenDoctor(doctor: KnownDoctor, scopes = NO_SCOPES) {
  const { id, name, surname, specializations = [], licenseNumbers = [] } = doctor;
  return {
    id,
    name: name ?? 'Doctor',
    surname: surname ?? id,
    ...(scopes.has('doctor.profile_url') && { profile_url: `https://www.example.com/doctors/${id}` }),
    ...(scopes.has('doctor.specializations') && {
      specializations: items(specializations, ({ id, name }) => ({
        id,
        name: name ?? `Specialization ${id}`,
      })),
    }),
    ...(scopes.has('doctor.license_numbers') && {
      license_numbers: items(licenseNumbers, (license_number) => ({ id: license_number, license_number })),
    }),
  };
}

/** The addresses that are the clients' at the moment. */
export function assignedOf({ addresses }: KnownDoctor): readonly KnownAddress[] {
  return addresses.filter(({ assigned }) => assigned !== false);
}

export function writtenAddress(address: KnownAddress, scopes = NO_SCOPES) {
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
export function commercialTypeOf({ commercialType, commercial }: KnownAddress) {
  return commercialType ?? (commercial === false ? 'basic' : 'premium');
}

/** What is written of a service everywhere. */
export function namedService({ id, name, customName, price, isPriceFrom, isVisible }: KnownService) {
  return {
    id,
    name: customName ?? name ?? `Service ${id}`,
    // Decimals are cut off.
    price: price === undefined || price === null ? null : Math.trunc(price),
    is_price_from: isPriceFrom ?? false,
    is_visible: isVisible ?? true,
  };
}

export function writtenService(service: KnownService, scopes = NO_SCOPES) {
  const { serviceId = null, description = null, duration, allowedPatients, customName } = service;
  return {
    ...namedService(service),
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

export function writtenBreak({ id, start, end, description }: Break, zone: LocalZone) {
  return { id, since: zone.format(start), till: zone.format(end), description };
}

export function writtenPatient({
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

export function writtenInsurance({ insurance }: Pick<Booking, 'insurance'>) {
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

/** In a list the scopes decide what there is besides. */
export function listedBooking(booking: Booking, zone: LocalZone, service: KnownService, scopes: Scopes) {
  return {
    ...writtenVisit(booking, zone),
    canceled_by: booking.canceledBy ?? '',
    canceled_at: instantOf(booking.canceledAt, zone),
    comment: booking.comment === '' ? null : booking.comment,
    insurance: writtenInsurance(booking),
    ...paymentOf(booking),
    ...(scopes.has('booking.patient') && { patient: writtenPatient(booking.patient) }),
    ...(scopes.has('booking.address_service') && { address_service: writtenService(service, scopes) }),
    ...(scopes.has('booking.presence') && { presence: booking.presence ?? null }),
    ...(scopes.has('booking.confirmation') && { confirmed: booking.confirmed }),
  };
}

/** One booking by itself. */
export function fullBooking(booking: Booking, zone: LocalZone, service: KnownService, scopes = NO_SCOPES) {
  return {
    ...listedBooking(booking, zone, service, NO_SCOPES),
    presence: booking.presence ?? null,
    address_service: writtenService(service, scopes),
    patient: writtenPatient(booking.patient),
  };
}

/** What is written of a booking wherever it is. */
export function writtenVisit(booking: Booking, zone: LocalZone) {
  return {
    id: booking.id,
    status: booking.status,
    start_at: zone.format(booking.start),
    end_at: zone.format(booking.end),
    /** Minutes. */
    duration: minutesOf(booking),
    booked_by: booking.bookedBy,
    booked_at: zone.format(booking.bookedAt),
  };
}

export function instantOf(instant: number | undefined, zone: LocalZone): string | null {
  return instant === undefined ? null : zone.format(instant);
}

export function minutesOf({ start, end }: { readonly start: number; readonly end: number }): number {
  return (end - start) / 60_000;
}

/** Only of a visit that is paid online. */
function paymentOf({ payment }: Booking) {
  return payment === undefined ? {} : { visit_payment: true, visit_payment_status: payment };
}
