// What the marketplace has to tell its clients: its 17 kinds, and a queue for each client that pulls, first in first out, handed
// out once, gone after 72 hours. Contract: Notifications.
import type { Actor } from './booking.js';

const KEPT_MS = 72 * 60 * 60_000;

export type NotificationName =
  | 'slot-booking'
  | 'slot-booked'
  | 'booking-canceled'
  | 'booking-moving'
  | 'booking-moved'
  | 'booking-confirmed'
  | 'booking-payment-status-changed'
  | 'presence-marked'
  | 'break-created'
  | 'break-moved'
  | 'break-removed'
  | 'address-service-created'
  | 'address-service-changed'
  | 'address-service-deleted'
  | 'address-commercial-type-changed'
  | 'address-assigned'
  | 'address-unassigned';

export interface Notification {
  readonly name: NotificationName;
  readonly data: Readonly<Record<string, unknown>>;
  /** In the address's zone. */
  readonly created_at: string;
}

/** Something that happened, before it is written down for anybody. */
export interface News {
  readonly name: NotificationName;
  readonly by: Actor;
  /** What its data holds besides the facility, the doctor and the address. */
  readonly about: Readonly<Record<string, unknown>>;
  /** The booking that it is about; of a moved one the new one. */
  readonly bookingId?: string;
}

/** A notification on its way to those who are to hear of it. */
export interface Told {
  readonly notification: Notification;
  readonly by: Actor;
  readonly bookingId: string | undefined;
  /** Clients. */
  readonly audience: readonly string[];
  /** Epoch milliseconds. */
  readonly at: number;
}

export class NotificationQueues {
  readonly #queues = new Map<string, Told[]>();

  /** @param place in [0, 1): somewhere before those that wait, instead of behind them */
  put(client: string, told: Told, place?: number): void {
    const queue = this.#queues.get(client) ?? [];
    this.#queues.set(client, queue);
    queue.splice(place === undefined ? queue.length : Math.floor(place * queue.length), 0, told);
  }

  take(client: string, limit: number, now: number) {
    const waiting = (this.#queues.get(client) ?? []).filter(({ at }) => now - at < KEPT_MS);
    const notifications = waiting.splice(0, limit).map(({ notification }) => notification);
    this.#queues.set(client, waiting);
    return { notifications, remaining: waiting.length };
  }

  clear(): void {
    this.#queues.clear();
  }
}
