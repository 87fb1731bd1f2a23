// What is sent to the marketplace, in its own field names. Instants are ISO 8601 with seconds and a colon offset.

export type InsuranceAccepted =
  | 'with-and-without-insurance'
  | 'without-insurance-only'
  | 'with-insurance-only';

/**
 * One entry of replaceSlots: a work period inside one local date, which the marketplace cuts into bookable starts.
 * Contract: replaceSlots. An entry without services removes what is offered in its range.
 */
export interface WireSlot {
  readonly start: string;
  readonly end: string;
  /** `duration` is in whole minutes. */
  readonly address_services: readonly { readonly address_service_id: string; readonly duration: number }[];
  readonly insurance_accepted?: InsuranceAccepted;
  readonly insurance_providers?: readonly string[];
  readonly insurance_plans?: readonly string[];
}

/** Contract: bookSlot. For a mirrored appointment send standard placeholder data, never the real patient. */
export interface WirePatient {
  readonly name: string;
  readonly phone: string;
  readonly surname?: string | undefined;
  readonly email?: string | undefined;
  readonly birth_date?: string | undefined;
  readonly nin?: string | undefined;
  readonly gender?: string | undefined;
}

export interface BookSlotRequest {
  readonly address_service_id: string;
  /** Minutes. */
  readonly duration: number;
  readonly patient: WirePatient;
  readonly is_returning?: boolean;
  readonly comment?: string;
  readonly label?: string;
}

export interface MoveBookingRequest {
  readonly address_service_id: string;
  readonly start: string;
  /** Minutes. */
  readonly duration?: number;
  /** Another address of the same doctor. */
  readonly address_id?: string;
}

export interface AddCalendarBreakRequest {
  readonly since: string;
  readonly till: string;
  readonly description?: string;
  readonly apply_on_coupled_addresses?: boolean;
}

/** What getBookings answers beside the booking itself; patients only where they are needed. */
export type BookingScope = 'patient' | 'address_service' | 'presence' | 'confirmation';

/** What getBooking answers beside the booking, its patient and its service. */
export type OneBookingScope = 'moving';
