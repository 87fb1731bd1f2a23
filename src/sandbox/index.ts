// The sandbox's face: a marketplace to develop against.
export type { AddressRef } from './address.js';
export type { Client, Estate, LimitChanges, Limits } from './estate.js';
export type { Fault, FaultRule } from './faults.js';
export { type InstantLike, SandboxInputError } from './input.js';
export type { Notification } from './market/notifications.js';
export {
  type BreakRange,
  type Move,
  type Person,
  type SandboxBooking,
  type SandboxBreak,
  SandboxRefusedError,
  type Visit,
} from './operator.js';
export type { SandboxEvents, SandboxOptions } from './options.js';
export type { RequestRecord } from './request-log.js';
export { Sandbox } from './sandbox.js';
export type { PatientStart, StandingPeriod } from './view.js';
