// The sandbox's face: a marketplace to develop against.
export type { AddressRef } from './address.js';
export type { Client, Estate, Limits } from './estate.js';
export type { Fault, FaultRule } from './faults.js';
export { type InstantLike, SandboxInputError } from './input.js';
export type { RequestRecord } from './request-log.js';
export { Sandbox, type SandboxEvents, type SandboxOptions } from './sandbox.js';
export type { PatientStart, StandingPeriod } from './view.js';
