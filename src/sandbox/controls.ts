// The controls of a running sandbox that are not part of the marketplace's API: inspection, settings and simulated people.
// `Sandbox` implements them; the routes under /_sandbox call them.
import type { AddressRef } from './address.js';
import type { SandboxClock } from './clock.js';
import type { FaultInjector } from './fault-injector.js';
import type { InstantLike } from './input.js';
import type { CommercialType, NotifyOptions, ServiceChanges } from './market/addresses.js';
import type { PaymentStatus, Presence } from './market/booking.js';
import type { DeliveryFaults } from './push/delivery-faults.js';
import type { DeliveryRecord } from './push/delivery-log.js';
import type { RequestRecord } from './request-log.js';
import type { Client, Cutting, Estate, LimitChanges, Service } from './seed.js';
import type { BreakRange, Move, Person, SandboxBooking, SandboxBreak, Visit } from './simulated-people.js';
import type { ListedWorkPeriod, PatientStart } from './view.js';

export interface SandboxControls {
  readonly clock: SandboxClock;
  readonly faults: FaultInjector;
  readonly requests: readonly RequestRecord[];
  readonly deliveries: readonly DeliveryRecord[];
  patientView(ref: AddressRef, from: InstantLike, to: InstantLike): readonly PatientStart[];
  slots(ref: AddressRef, from: InstantLike, to: InstantLike): readonly ListedWorkPeriod[];
  setEstate(estate: Estate | undefined, clients?: readonly Client[] | undefined): void;
  setLimits(limits: LimitChanges): void;
  setReadLag(ms: number): void;
  setCutting(ref: AddressRef, cutting: Cutting): void;
  setDelivery(faults: DeliveryFaults): void;
  revokeTokens(client?: string): void;
  reset(): void;
  book(ref: AddressRef, visit: Visit): SandboxBooking;
  bookAsking(ref: AddressRef, visit: Visit): Promise<SandboxBooking>;
  cancel(bookingId: string, how?: { by?: Person | undefined; reason?: string | undefined }): SandboxBooking;
  move(bookingId: string, to: Move): SandboxBooking;
  moveAsking(bookingId: string, to: Move): Promise<SandboxBooking>;
  confirm(bookingId: string): SandboxBooking;
  markPresence(bookingId: string, presence: Presence): SandboxBooking;
  setPayment(bookingId: string, status: PaymentStatus): SandboxBooking;
  bookings(ref: AddressRef): readonly SandboxBooking[];
  addBreak(ref: AddressRef, range: BreakRange & { description?: string | undefined }): SandboxBreak;
  moveBreak(breakId: string, range: BreakRange): SandboxBreak;
  removeBreak(breakId: string): void;
  breaks(ref: AddressRef): readonly SandboxBreak[];
  setServices(ref: AddressRef, services: readonly Service[], options?: NotifyOptions): ServiceChanges;
  setCommercialType(ref: AddressRef, type: CommercialType): void;
  assignAddress(ref: AddressRef, options?: NotifyOptions): void;
  unassignAddress(ref: AddressRef, options?: NotifyOptions): void;
}
