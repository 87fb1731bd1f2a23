// The type of a booking, made by a patient, the doctor or the integration. Contract: bookSlot.
import type { Interval } from './starts.js';

export type Actor = 'user' | 'doctor' | 'integration';

export interface Patient {
  readonly name: string;
  readonly phone: string;
  readonly surname?: string | undefined;
  readonly email?: string | undefined;
  readonly birth_date?: string | undefined;
  readonly nin?: string | undefined;
  readonly gender?: 'm' | 'f' | undefined;
  readonly is_returning?: boolean | undefined;
  readonly insurance_number?: string | undefined;
}

/** Ids in the dictionary of insurance providers. */
export interface BookingInsurance {
  readonly providerId: string;
  readonly planId: string | undefined;
}

export interface Booking extends Interval {
  readonly id: string;
  /** A booking that was moved is `canceled`. */
  readonly status: 'booked' | 'canceled';
  /** The id of the first booking in a chain of moves; its own id without a move. */
  readonly originId: string;
  /** The id of the booking that replaced it in a move. */
  readonly movedTo: string | undefined;
  readonly serviceId: string;
  readonly patient: Patient;
  readonly comment: string;
  readonly bookedBy: Actor;
  readonly bookedAt: number;
  readonly canceledBy: Actor | undefined;
  readonly canceledAt: number | undefined;
  readonly cancelReason: string | undefined;
  readonly confirmed: boolean;
  /** Whether the patient came; undefined until it is recorded. */
  readonly presence: Presence | undefined;
  /** Undefined for a booking that is not paid online. A paid booking does not move to another payment account, 422. */
  readonly payment: PaymentStatus | undefined;
  readonly insurance: BookingInsurance | undefined;
}

export type Presence = 'present' | 'absent';

export const PAYMENT_STATUSES = [
  'not-paid',
  'waiting_for_confirmation',
  'paid',
  'refunded',
  'charged_back',
] as const;

export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];
