// Routes each notification to its clients: into the queue of a client that pulls, to the dispatcher for a client that is pushed
// to, with the injected delivery faults.

import type { SandboxClock } from '../clock.js';
import type { ClockTimers } from '../clock-timers.js';
import { NotificationQueues, type OutgoingNotification } from '../market/notifications.js';
import type { ParsedClient } from '../seed.js';
import type { DeliveryFaultInjector } from './delivery-faults.js';
import type { Dispatcher } from './dispatcher.js';

/** How long a push waits for a later one to overtake it; milliseconds of the sandbox's clock. */
const MAX_OVERTAKE_WAIT_MS = 5_000;

interface Push {
  readonly client: string;
  readonly notification: OutgoingNotification;
  readonly isCopy: boolean;
}

export interface NotificationRouterOptions {
  readonly clock: SandboxClock;
  readonly clockTimers: ClockTimers;
  readonly dispatcher: Dispatcher;
  readonly faults: DeliveryFaultInjector;
  readonly clientOf: (id: string) => ParsedClient | undefined;
}

export class NotificationRouter {
  readonly queues = new NotificationQueues();
  readonly #options: NotificationRouterOptions;
  /** By client, the pushes that a later push must overtake. */
  readonly #waiting = new Map<string, Set<Push>>();

  constructor(options: NotificationRouterOptions) {
    this.#options = options;
  }

  route(notification: OutgoingNotification): void {
    for (const client of notification.clients) {
      const { isLost, delays, isOvertaken, queuePosition } = this.#options.faults.draw();
      if (isLost) continue;
      const settings = this.#options.clientOf(client);
      if (isPulledBy(settings)) {
        const position = isOvertaken ? queuePosition : undefined;
        for (const _ of delays) this.queues.enqueue(client, notification, position);
      }
      if (!isPushedTo(settings)) continue;
      for (const [n, delayMs] of delays.entries()) {
        const push = { client, notification, isCopy: n > 0 };
        this.#after(delayMs, () => (isOvertaken ? this.#waitToBeOvertaken(push) : this.#send(push)));
      }
    }
  }

  clear(): void {
    this.queues.clear();
    this.#waiting.clear();
  }

  #after(delayMs: number, act: () => void): void {
    if (delayMs === 0) act();
    else this.#options.clockTimers.schedule(this.#options.clock.now() + delayMs, act);
  }

  #send({ client, notification, isCopy }: Push): void {
    this.#options.dispatcher.send(client, notification, isCopy);
    const overtaken = this.#waiting.get(client) ?? new Set();
    for (const push of overtaken) this.#options.dispatcher.send(client, push.notification, push.isCopy);
    overtaken.clear();
  }

  #waitToBeOvertaken(push: Push): void {
    const waiting = this.#waiting.get(push.client) ?? new Set();
    this.#waiting.set(push.client, waiting.add(push));
    this.#after(MAX_OVERTAKE_WAIT_MS, () => {
      if (waiting.delete(push)) this.#send(push);
    });
  }
}

/** A client without a push endpoint always pulls. */
function isPulledBy(client: ParsedClient | undefined): boolean {
  return client?.notifications !== 'push' || client.push === undefined;
}

function isPushedTo(client: ParsedClient | undefined): boolean {
  return client?.push !== undefined;
}
