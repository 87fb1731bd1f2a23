// The bodies of requests to the marketplace, in its field names. Instants are ISO 8601 with seconds and an offset with a colon.

export type InsuranceAccepted =
  | 'with-and-without-insurance'
  | 'without-insurance-only'
  | 'with-insurance-only';

/**
 * One entry of replaceSlots: a work period inside one local date, which the marketplace cuts into bookable starts.
 * Contract: replaceSlots. An entry without services removes the slots in its range.
 */
export interface WireSlot {
  readonly start: string;
  readonly end: string;
  /** `duration` is in whole minutes. */
  readonly address_services: readonly { readonly address_service_id: string; readonly duration: number }[];
  readonly insurance_accepted?: InsuranceAccepted;
  /** Ids of insurance providers and plans; they are sent as whole numbers, which is all that the marketplace accepts. */
  readonly insurance_providers?: readonly string[];
  readonly insurance_plans?: readonly string[];
}

/** Contract: bookSlot. For a mirrored appointment send standard placeholder data, never the real patient. */
export interface WirePatient {
  readonly name: string;
  readonly phone: string;
  readonly surname?: string | undefined;
  readonly email?: string | null | undefined;
  /** `YYYY-MM-DD`. */
  readonly birth_date?: string | null | undefined;
  readonly nin?: string | null | undefined;
  readonly gender?: string | null | undefined;
  readonly marketing_consent?: boolean | null | undefined;
  readonly data_privacy_consent?: boolean | null | undefined;
}

export interface BookSlotRequest {
  readonly address_service_id: string;
  /** Minutes. */
  readonly duration: number;
  readonly patient: WirePatient;
  readonly is_returning?: boolean;
  readonly comment?: string;
  readonly label?: string;
  readonly insurance_provider_id?: string;
  readonly insurance_plan_id?: string;
  /** When true, the patient gets no confirmation. */
  readonly is_recurring?: boolean;
}

export interface MoveBookingRequest {
  readonly address_service_id: string;
  readonly start: string;
  /** Minutes. */
  readonly duration?: number;
  /** Another address of the same facility, which may belong to another doctor. */
  readonly address_id?: string;
}

/** Who confirmed a booking. */
export type ConfirmedBy = 'user' | 'admin';

export interface AddCalendarBreakRequest {
  readonly since: string;
  readonly till: string;
  readonly description?: string;
  readonly apply_on_coupled_addresses?: boolean;
}

/** The optional parts of a booking in getBookings; request patients only where they are needed. */
export type BookingScope = 'patient' | 'address_service' | 'presence' | 'confirmation';

/** The optional parts of a booking in getBooking, which always has the patient and the service. */
export type OneBookingScope = 'moving';

/** The optional parts of an address in getAddress and getAddresses. */
export type AddressScope = 'online_only' | 'visit_payment' | 'commercial_type' | 'insurance_support';
