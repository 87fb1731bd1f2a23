// Dispatches pushes. First attempts are sent in the order of the changes, without waiting for responses. A failed attempt is
// retried, and a push without retries left is retained until its client requests a release. Contract: Notifications, Limits.

import type { SandboxClock } from '../clock.js';
import type { ClockTimers } from '../clock-timers.js';
import type { OutgoingNotification } from '../market/notifications.js';
import type { PartnerRequests } from './partner-requests.js';
import { isSuccess } from './post.js';
import type { PushSettings } from './settings.js';

const MINUTE_MS = 60_000;
const FAILED_RETENTION_MS = 14 * 24 * 60 * MINUTE_MS;

interface Delivery {
  readonly client: string;
  readonly notification: OutgoingNotification;
  /** A repeated push: its result has no consequence. */
  readonly isCopy: boolean;
  attempts: number;
  /** Retries scheduled since the first attempt or the last release. */
  retries: number;
  /** When the current or next attempt was scheduled for. */
  dueAt: number | undefined;
}

export interface DispatcherOptions {
  readonly clock: SandboxClock;
  readonly clockTimers: ClockTimers;
  readonly partnerRequests: PartnerRequests;
  /** The current settings; undefined for a client without a push endpoint. */
  readonly settingsOf: (client: string) => PushSettings | undefined;
  /** Called when the only attempt (mode `once`) to notify of a booking failed. */
  readonly onUndelivered: (notification: OutgoingNotification) => void;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  /** Queued, in flight, or to be sent at the next start; in the order of sending. */
  readonly #active = new Set<Delivery>();
  /** The time of failure by delivery, in the order of failure. */
  readonly #failed = new Map<Delivery, number>();
  /** By client: resolves when the previous push is written to the connection. */
  readonly #lastWrites = new Map<string, Promise<void>>();
  /** A new object after each start and clear. Attempts of an earlier session have no consequence. */
  #session: object | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Idempotent. Sends what was queued, or interrupted, while the dispatcher was stopped. */
  start(): void {
    if (this.#session !== undefined) return;
    this.#session = {};
    for (const delivery of this.#active) this.#enqueue(delivery);
  }

  /** Idempotent. The caller aborts attempts in flight, which then count as not made. */
  stop(): void {
    this.#session = undefined;
    this.#lastWrites.clear();
  }

  send(client: string, notification: OutgoingNotification, isCopy: boolean): void {
    this.#enqueue({ client, notification, isCopy, attempts: 0, retries: 0, dueAt: undefined });
  }

  /** Sends the failed pushes of a client again, each with all its retries. */
  release(client: string): void {
    this.#deleteExpired();
    for (const delivery of this.#failed.keys()) {
      if (delivery.client !== client) continue;
      this.#failed.delete(delivery);
      delivery.retries = 0;
      delivery.dueAt = undefined;
      this.#enqueue(delivery);
    }
  }

  clear(): void {
    if (this.#session !== undefined) this.#session = {};
    this.#lastWrites.clear();
    this.#active.clear();
    this.#failed.clear();
  }

  #enqueue(delivery: Delivery): void {
    this.#active.add(delivery);
    const session = this.#session;
    if (session === undefined) return;
    const lastWrite = this.#lastWrites.get(delivery.client) ?? Promise.resolve();
    this.#lastWrites.set(
      delivery.client,
      lastWrite.then(() => this.#attempt(delivery, session)),
    );
  }

  /** Resolves when the next push to the client may be sent. */
  async #attempt(delivery: Delivery, session: object): Promise<void> {
    if (session !== this.#session) return;
    const { client } = delivery;
    const push = this.#options.settingsOf(client);
    if (push === undefined) {
      this.#active.delete(delivery);
      return;
    }
    delivery.dueAt ??= this.#options.clock.now();
    const { notification, bookingId } = delivery.notification;
    const attempt = ++delivery.attempts;
    const request = { client, push, notification, bookingId, attempt };
    const { written, response } = this.#options.partnerRequests.send(request);
    void response.then((received) => {
      if (session !== this.#session) return;
      this.#active.delete(delivery);
      if (!isSuccess(received)) this.#handleFailure(delivery, push);
    });
    await written;
  }

  #handleFailure(delivery: Delivery, { mode, retryMinutes }: PushSettings): void {
    const { clock, clockTimers, onUndelivered } = this.#options;
    if (delivery.isCopy) return;
    if (mode === 'once' && reportsNewBooking(delivery.notification)) {
      onUndelivered(delivery.notification);
      return;
    }
    const minutes = mode === 'once' ? undefined : retryMinutes[delivery.retries];
    if (minutes === undefined) {
      this.#deleteExpired();
      this.#failed.set(delivery, clock.now());
      return;
    }
    delivery.retries++;
    // Counted from the scheduled time of the attempt, so that a clock that is advanced past several retries makes all of them.
    delivery.dueAt = (delivery.dueAt ?? clock.now()) + minutes * MINUTE_MS;
    clockTimers.schedule(delivery.dueAt, () => this.#enqueue(delivery));
  }

  #deleteExpired(): void {
    const now = this.#options.clock.now();
    for (const [delivery, failedAt] of this.#failed) {
      if (now - failedAt < FAILED_RETENTION_MS) return;
      this.#failed.delete(delivery);
    }
  }
}

/** A booking by the integration is not new to it: that notification is an echo. */
function reportsNewBooking({ notification, by }: OutgoingNotification): boolean {
  return notification.name === 'slot-booked' && by !== 'integration';
}
