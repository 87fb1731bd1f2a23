// The 17 kinds of notifications, and a queue for each client that pulls: first in, first out. A notification is returned once and
// expires after 72 hours. Contract: Notifications.
import type { Actor } from './booking.js';

const RETENTION_MS = 72 * 60 * 60_000;

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
  /** An instant in the address's zone. */
  readonly created_at: string;
}

/** A change in the marketplace that clients are notified of. */
export interface MarketChange {
  readonly name: NotificationName;
  readonly by: Actor;
  /** The fields of the notification's data besides the facility, the doctor and the address. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The changed booking; the new booking for a move. */
  readonly bookingId?: string;
}

/** A notification to deliver, and its clients. */
export interface OutgoingNotification {
  readonly notification: Notification;
  readonly by: Actor;
  readonly bookingId: string | undefined;
  /** Ids of the clients to deliver it to. */
  readonly clients: readonly string[];
  /** Epoch milliseconds. */
  readonly at: number;
}

export class NotificationQueues {
  readonly #queues = new Map<string, OutgoingNotification[]>();

  /** @param position in [0, 1): the relative position in the queue; the end by default */
  enqueue(client: string, notification: OutgoingNotification, position?: number): void {
    const queue = this.#queues.get(client) ?? [];
    this.#queues.set(client, queue);
    queue.splice(
      position === undefined ? queue.length : Math.floor(position * queue.length),
      0,
      notification,
    );
  }

  pull(client: string, limit: number, now: number) {
    const waiting = (this.#queues.get(client) ?? []).filter(({ at }) => now - at < RETENTION_MS);
    const notifications = waiting.splice(0, limit).map(({ notification }) => notification);
    this.#queues.set(client, waiting);
    return { notifications, remaining: waiting.length };
  }

  clear(): void {
    this.#queues.clear();
  }
}
