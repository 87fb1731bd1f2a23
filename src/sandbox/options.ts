// The options and the events of a sandbox.

import type { DeliveryFaults } from './push/delivery-faults.js';
import type { DeliveryRecord } from './push/delivery-log.js';
import type { RequestRecord } from './request-log.js';
import type { Client, Estate, LimitChanges } from './seed.js';
import type { Timers } from './timers.js';

export interface SandboxOptions {
  /** Epoch milliseconds; the real clock by default. */
  readonly now?: () => number;
  /** Timers of real milliseconds, for faults, timeouts of pushes and timers of the clock; the process's own by default. */
  readonly timers?: Timers;
  /** The seed of random faults and delivery faults; default 1. */
  readonly seed?: number;
  /** The facilities, doctors and addresses that exist. Without it every id exists on first use. */
  readonly estate?: Estate;
  /** The API clients. Without it any credentials that are not empty are accepted. */
  readonly clients?: readonly Client[];
  /** The limits of every client. A limit that is left out has the contract's number; null switches a limit off. */
  readonly limits?: LimitChanges;
  /** The lifetime of a token in seconds; default 3600. */
  readonly tokenSeconds?: number;
  /** The zone of addresses without a zone of their own; default Europe/Warsaw. */
  readonly timeZone?: string;
  /** Whether the duplicate rule applies; default true. */
  readonly duplicates?: boolean;
  /** How far getSlots lags behind the current state, in milliseconds of the sandbox's clock; default 0. */
  readonly readLagMs?: number;
  /** Whether bookings of the integration have the requested duration instead of the duration of the service in the slot; default true. */
  readonly askedDurations?: boolean;
  /** Whether a moved booking retains its comment; default true. The contract does not specify it. */
  readonly keptComments?: boolean;
  /** Whether the integration's own bookings and breaks are sent back as notifications; default true. */
  readonly echoes?: boolean;
  /** Delivery faults: notifications that are repeated, reordered, delayed or lost; default none. */
  readonly delivery?: DeliveryFaults;
  /** The capacity of the request log and of the delivery log; default 10,000, fewer requests when their bodies exceed 32 million characters. */
  readonly keepRequests?: number;
  /** Receives failures inside the sandbox, without bodies and headers. */
  readonly log?: (message: string, details: Readonly<Record<string, unknown>>) => void;
}

export interface SandboxEvents {
  /** A request was answered, cut or abandoned by its client; its record is complete. */
  request: [RequestRecord];
  /** A push or an approval request was answered, timed out or cut; its record is complete. */
  delivery: [DeliveryRecord];
}
