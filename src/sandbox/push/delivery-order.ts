// Gives each notification to those who are to hear of it: into the queue of who pulls, to the courier for who is pushed to, and
// through whatever disorder is asked for.

import type { SandboxClock } from '../clock.js';
import type { Alarms } from '../clock-timers.js';
import { NotificationQueues, type Told } from '../market/notifications.js';
import type { KnownClient } from '../seed.js';
import type { Dice } from './delivery-faults.js';
import type { Courier } from './dispatcher.js';

/** How long a push waits for a later one to overtake it; milliseconds of the sandbox's clock. */
const MAX_HOLD_MS = 5_000;

interface Push {
  readonly client: string;
  readonly told: Told;
  readonly isCopy: boolean;
}

export interface DispatchParts {
  readonly clock: SandboxClock;
  readonly alarms: Alarms;
  readonly courier: Courier;
  readonly dice: Dice;
  readonly clientOf: (id: string) => KnownClient | undefined;
}

export class Dispatch {
  readonly queues = new NotificationQueues();
  readonly #parts: DispatchParts;
  /** By client, what a later one is to overtake. */
  readonly #held = new Map<string, Set<Push>>();

  constructor(parts: DispatchParts) {
    this.#parts = parts;
  }

  tell(told: Told): void {
    for (const client of told.audience) {
      const { isLost, delays, isOvertaken, place } = this.#parts.dice.draw();
      if (isLost) continue;
      const known = this.#parts.clientOf(client);
      if (pulls(known)) {
        for (const _ of delays) this.queues.put(client, told, isOvertaken ? place : undefined);
      }
      if (!isPushedTo(known)) continue;
      for (const [n, delay] of delays.entries()) {
        const push = { client, told, isCopy: n > 0 };
        this.#after(delay, () => (isOvertaken ? this.#hold(push) : this.#send(push)));
      }
    }
  }

  clear(): void {
    this.queues.clear();
    this.#held.clear();
  }

  #after(ms: number, act: () => void): void {
    if (ms === 0) act();
    else this.#parts.alarms.at(this.#parts.clock.now() + ms, act);
  }

  #send({ client, told, isCopy }: Push): void {
    this.#parts.courier.send(client, told, isCopy);
    const overtaken = this.#held.get(client) ?? new Set();
    for (const push of overtaken) this.#parts.courier.send(client, push.told, push.isCopy);
    overtaken.clear();
  }

  #hold(push: Push): void {
    const held = this.#held.get(push.client) ?? new Set();
    this.#held.set(push.client, held.add(push));
    this.#after(MAX_HOLD_MS, () => {
      if (held.delete(push)) this.#send(push);
    });
  }
}

/** Who was given no address to be pushed to can only pull. */
function pulls(client: KnownClient | undefined): boolean {
  return client?.notifications !== 'push' || client.push === undefined;
}

function isPushedTo(client: KnownClient | undefined): boolean {
  return client?.push !== undefined;
}
