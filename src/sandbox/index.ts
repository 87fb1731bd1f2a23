// The public API of the sandbox, a marketplace to develop against.
export type { AddressRef } from './address.js';
export type { Fault, FaultRule } from './fault-injector.js';
export { type InstantLike, SandboxInputError } from './input.js';
// Names of earlier versions.
export type {
  CommercialType,
  NotifyOptions,
  NotifyOptions as Telling,
  ServiceChanges,
} from './market/addresses.js';
export type { Patient, PaymentStatus, Presence } from './market/booking.js';
export type { Notification, NotificationName } from './market/notifications.js';
export type { SandboxEvents, SandboxOptions } from './options.js';
export type { DeliveryFaults, DeliveryFaults as Disorder } from './push/delivery-faults.js';
export type { DeliveryRecord } from './push/delivery-log.js';
export { SandboxRefusedError } from './refused.js';
export type { RequestRecord } from './request-log.js';
export { Sandbox } from './sandbox.js';
export type { Client, Cutting, Estate, LimitChanges, Limits, Service } from './seed.js';
export type {
  BreakRange,
  Move,
  Person,
  SandboxBooking,
  SandboxBreak,
  Visit,
} from './simulated-people.js';
export type { Timers } from './timers.js';
export type { ListedWorkPeriod, ListedWorkPeriod as StandingPeriod, PatientStart } from './view.js';
