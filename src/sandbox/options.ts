// How a sandbox is made, and what it tells those who listen.

import type { Disorder } from './push/delivery-faults.js';
import type { DeliveryRecord } from './push/delivery-log.js';
import type { RequestRecord } from './request-log.js';
import type { Client, Estate, LimitChanges } from './seed.js';
import type { Timers } from './timers.js';

export interface SandboxOptions {
  /** Epoch milliseconds; the real clock by default. */
  readonly now?: () => number;
  /** How real milliseconds pass, for faults, answers that are waited for and the clock's alarms; the process's own by default. */
  readonly timers?: Timers;
  /** Of the faults' and the deliveries' randomness; 1 by default. */
  readonly seed?: number;
  /** What exists; without it everything does, on first use. */
  readonly estate?: Estate;
  /** Who may ask; without it any credentials that are not empty. */
  readonly clients?: readonly Client[];
  /** For every client; what is left out is the contract's number, null switches a limit off. */
  readonly limits?: LimitChanges;
  /** How long a token lasts; 3600. */
  readonly tokenSeconds?: number;
  /** Where an address says no other; Europe/Warsaw. */
  readonly timeZone?: string;
  /** The duplicate rule; on. */
  readonly duplicates?: boolean;
  /** How long ago the state is that getSlots answers from, in milliseconds of the sandbox's clock; 0. */
  readonly readLagMs?: number;
  /** Whether the integration's visits are as long as it asks for, and not as long as the slot of their service; on. */
  readonly askedDurations?: boolean;
  /** Whether a booking that moves keeps its comment; on. The contract does not say. */
  readonly keptComments?: boolean;
  /** Whether the integration's own bookings and breaks come back as notifications; on. */
  readonly echoes?: boolean;
  /** Notifications that come twice, out of order, late or not at all; none by default. */
  readonly delivery?: Disorder;
  /** How many requests, and how many pushes, are remembered; 10,000, or fewer where their bodies are more than 32 million characters. */
  readonly keepRequests?: number;
  /** Told about what failed inside the sandbox; never about bodies or headers. */
  readonly log?: (message: string, details: Readonly<Record<string, unknown>>) => void;
}

export interface SandboxEvents {
  /** A request was answered, cut or left: its record is complete. */
  request: [RequestRecord];
  /** A push, or a question, was answered, given up or cut: its record is complete. */
  delivery: [DeliveryRecord];
}
