// What the marketplace has to tell its clients: one queue each, first in first out, handed out once, gone after 72 hours.
// Contract: Notifications (pull).

const KEPT_MS = 72 * 60 * 60_000;

export interface Notification {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** In the address's zone. */
  readonly created_at: string;
}

interface Queued {
  readonly notification: Notification;
  readonly at: number;
}

export class NotificationQueues {
  readonly #queues = new Map<string, Queued[]>();

  put(clients: readonly string[], notification: Notification, now: number): void {
    for (const client of clients) {
      const queue = this.#queues.get(client);
      if (queue === undefined) this.#queues.set(client, [{ notification, at: now }]);
      else queue.push({ notification, at: now });
    }
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
