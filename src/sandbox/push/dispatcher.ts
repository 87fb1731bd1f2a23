// Delivers pushes: each by itself, first attempts in the order things happened, again until they are taken or have failed,
// and failed ones once more when they are released. Contract: Notifications, Limits.

import type { SandboxClock } from '../clock.js';
import type { Alarms } from '../clock-timers.js';
import type { Told } from '../market/notifications.js';
import type { Outbound } from './outbound.js';
import { isSuccess } from './post.js';
import type { PushSettings } from './settings.js';

const MINUTE = 60_000;
const FAILED_KEPT_MS = 14 * 24 * 60 * MINUTE;

interface Delivery {
  readonly client: string;
  readonly told: Told;
  /** Sent besides the one that counts: whatever becomes of it has no consequence. */
  readonly isCopy: boolean;
  attempts: number;
  /** Retries planned since it was told or released. */
  retries: number;
  /** When the attempt that is made, or made next, was planned for. */
  dueAt: number | undefined;
}

export interface CourierParts {
  readonly clock: SandboxClock;
  readonly alarms: Alarms;
  readonly outbound: Outbound;
  /** As they are at the moment; undefined for who is not, or no longer, pushed to. */
  readonly settingsOf: (client: string) => PushSettings | undefined;
  /** A booking was told once, in vain. */
  readonly onUndelivered: (told: Told) => void;
}

export class Courier {
  readonly #parts: CourierParts;
  /** In line, on the way, or to be sent when it is started; in this order. */
  readonly #inHand = new Set<Delivery>();
  /** With when it failed; in order of failing. */
  readonly #failed = new Map<Delivery, number>();
  /** By client: when the one before is on the wire. */
  readonly #lines = new Map<string, Promise<void>>();
  /** Another one after each start and clear, so that what belongs to the one before has no consequence. */
  #round: object | undefined;

  constructor(parts: CourierParts) {
    this.#parts = parts;
  }

  /** Idempotent. What was told, or was on its way, while it was stopped goes out now. */
  start(): void {
    if (this.#round !== undefined) return;
    this.#round = {};
    for (const delivery of this.#inHand) this.#lineUp(delivery);
  }

  /** Idempotent. What is on its way is to be cut; it counts as not yet tried. */
  stop(): void {
    this.#round = undefined;
    this.#lines.clear();
  }

  send(client: string, told: Told, isCopy: boolean): void {
    this.#lineUp({ client, told, isCopy, attempts: 0, retries: 0, dueAt: undefined });
  }

  /** Failed ones begin anew. */
  release(client: string): void {
    this.#forget();
    for (const delivery of this.#failed.keys()) {
      if (delivery.client !== client) continue;
      this.#failed.delete(delivery);
      delivery.retries = 0;
      delivery.dueAt = undefined;
      this.#lineUp(delivery);
    }
  }

  clear(): void {
    if (this.#round !== undefined) this.#round = {};
    this.#lines.clear();
    this.#inHand.clear();
    this.#failed.clear();
  }

  #lineUp(delivery: Delivery): void {
    this.#inHand.add(delivery);
    const round = this.#round;
    if (round === undefined) return;
    const before = this.#lines.get(delivery.client) ?? Promise.resolve();
    this.#lines.set(
      delivery.client,
      before.then(() => this.#attempt(delivery, round)),
    );
  }

  /** Resolves when the next one of the client may be sent. */
  async #attempt(delivery: Delivery, round: object): Promise<void> {
    if (round !== this.#round) return;
    const { client, told } = delivery;
    const push = this.#parts.settingsOf(client);
    if (push === undefined) {
      this.#inHand.delete(delivery);
      return;
    }
    delivery.dueAt ??= this.#parts.clock.now();
    const { notification, bookingId } = told;
    const attempt = ++delivery.attempts;
    const { written, answer } = this.#parts.outbound.send({ client, push, notification, bookingId, attempt });
    void answer.then((answered) => {
      if (round !== this.#round) return;
      this.#inHand.delete(delivery);
      if (!isSuccess(answered)) this.#inVain(delivery, push);
    });
    await written;
  }

  #inVain(delivery: Delivery, { mode, retryMinutes }: PushSettings): void {
    const { clock, alarms, onUndelivered } = this.#parts;
    if (delivery.isCopy) return;
    if (mode === 'once' && isNewsOfBooking(delivery.told)) {
      onUndelivered(delivery.told);
      return;
    }
    const minutes = mode === 'once' ? undefined : retryMinutes[delivery.retries];
    if (minutes === undefined) {
      this.#forget();
      this.#failed.set(delivery, clock.now());
      return;
    }
    delivery.retries++;
    // Counted from when the attempt was planned for: a clock that leaps over several retries meets them all.
    delivery.dueAt = (delivery.dueAt ?? clock.now()) + minutes * MINUTE;
    alarms.at(delivery.dueAt, () => this.#lineUp(delivery));
  }

  #forget(): void {
    const now = this.#parts.clock.now();
    for (const [delivery, failedAt] of this.#failed) {
      if (now - failedAt < FAILED_KEPT_MS) return;
      this.#failed.delete(delivery);
    }
  }
}

/** What the integration booked itself it knows without being told. */
function isNewsOfBooking({ notification, by }: Told): boolean {
  return notification.name === 'slot-booked' && by !== 'integration';
}
