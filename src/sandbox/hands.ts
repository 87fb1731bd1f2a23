// What can be done with a running sandbox besides asking it over the marketplace's API: look, steer, act as its people.
import type { AddressRef } from './address.js';
import type { SandboxClock } from './clock.js';
import type { Client, Estate, LimitChanges } from './estate.js';
import type { Faults } from './faults.js';
import type { InstantLike } from './input.js';
import type { BreakRange, Move, Person, SandboxBooking, SandboxBreak, Visit } from './operator.js';
import type { RequestRecord } from './request-log.js';
import type { PatientStart, StandingPeriod } from './view.js';

export interface Hands {
  readonly clock: SandboxClock;
  readonly faults: Faults;
  readonly requests: readonly RequestRecord[];
  patientView(ref: AddressRef, from: InstantLike, to: InstantLike): readonly PatientStart[];
  slots(ref: AddressRef, from: InstantLike, to: InstantLike): readonly StandingPeriod[];
  setEstate(estate: Estate | undefined, clients?: readonly Client[] | undefined): void;
  setLimits(limits: LimitChanges): void;
  revokeTokens(client?: string): void;
  reset(): void;
  book(ref: AddressRef, visit: Visit): SandboxBooking;
  cancel(bookingId: string, how?: { by?: Person | undefined; reason?: string | undefined }): SandboxBooking;
  move(bookingId: string, to: Move): SandboxBooking;
  confirm(bookingId: string): SandboxBooking;
  bookings(ref: AddressRef): readonly SandboxBooking[];
  addBreak(ref: AddressRef, range: BreakRange & { description?: string | undefined }): SandboxBreak;
  moveBreak(breakId: string, range: BreakRange): SandboxBreak;
  removeBreak(breakId: string): void;
  breaks(ref: AddressRef): readonly SandboxBreak[];
}
