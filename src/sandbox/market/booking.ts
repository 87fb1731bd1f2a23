// A visit that was sold in the marketplace, or put there by the clinic. Contract: bookSlot.
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

/** Ids of the dictionary. */
export interface VisitInsurance {
  readonly providerId: string;
  readonly planId: string | undefined;
}

export interface Booking extends Interval {
  readonly id: string;
  /** One that was moved is canceled. */
  readonly status: 'booked' | 'canceled';
  /** The first booking that it was before it moved; its own id where it is the first. */
  readonly originId: string;
  /** The booking that took its place. */
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
  /** Whether the patient came; undefined while nobody has marked it. */
  readonly presence: Presence | undefined;
  /** Undefined for a visit that is not paid online. One that holds money does not move to another account, 422. */
  readonly payment: PaymentStatus | undefined;
  readonly insurance: VisitInsurance | undefined;
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
