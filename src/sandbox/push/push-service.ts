// The marketplace's whole way of telling its clients, put together: what is pulled, pushed, asked and released, and the log
// of it.

import type { SandboxClock } from '../clock.js';
import { Alarms } from '../clock-timers.js';
import type { Told } from '../market/notifications.js';
import type { KnownClient } from '../seed.js';
import type { Timers } from '../timers.js';
import { type Ask, asker } from './asker.js';
import { Dice, type KnownDisorder } from './delivery-faults.js';
import { DeliveryLog, type DeliveryRecord } from './delivery-log.js';
import { Dispatch } from './delivery-order.js';
import { Courier } from './dispatcher.js';
import { Outbound } from './outbound.js';

export interface PostOfficeOptions {
  readonly clock: SandboxClock;
  readonly timers: Timers;
  readonly seed: number;
  readonly disorder: KnownDisorder;
  /** How many attempts are remembered. */
  readonly keep: number;
  readonly clientOf: (id: string) => KnownClient | undefined;
  readonly onUndelivered: (told: Told) => void;
  readonly onDelivery: (record: DeliveryRecord) => void;
}

const ORDERLY: KnownDisorder = { repeat: 0, shuffle: 0, lose: 0 };

export class PostOffice {
  readonly ask: Ask;
  readonly #alarms: Alarms;
  readonly #log: DeliveryLog;
  readonly #outbound: Outbound;
  readonly #courier: Courier;
  readonly #dice: Dice;
  readonly #dispatch: Dispatch;

  constructor(options: PostOfficeOptions) {
    const { clock, timers, seed, disorder, keep, clientOf, onUndelivered, onDelivery } = options;
    this.#alarms = new Alarms(clock, timers);
    this.#log = new DeliveryLog(keep);
    this.#outbound = new Outbound({ clock, timers, log: this.#log, onEnd: onDelivery });
    const shared = { clock, alarms: this.#alarms };
    const settingsOf = (client: string) => clientOf(client)?.push;
    this.#courier = new Courier({ ...shared, outbound: this.#outbound, settingsOf, onUndelivered });
    this.#dice = new Dice(seed, disorder);
    this.#dispatch = new Dispatch({ ...shared, courier: this.#courier, dice: this.#dice, clientOf });
    this.ask = asker(this.#outbound, clientOf);
  }

  get deliveries(): readonly DeliveryRecord[] {
    return this.#log.all;
  }

  /** Idempotent. */
  start(): void {
    this.#courier.start();
    this.#alarms.start();
  }

  /** Idempotent. Cuts what is on its way; it goes out again after the next start. */
  async stop(): Promise<void> {
    this.#alarms.stop();
    this.#courier.stop();
    await this.#outbound.cut();
  }

  tell(told: Told): void {
    this.#dispatch.tell(told);
  }

  /** The client's oldest ones, which are then gone. */
  take(client: string, limit: number, now: number) {
    return this.#dispatch.queues.take(client, limit, now);
  }

  /** Sends again what could not be delivered to the client. */
  release(client: string): void {
    this.#courier.release(client);
  }

  setDisorder(disorder: KnownDisorder): void {
    this.#dice.set(disorder);
  }

  /** Nothing was told yet, and nothing is out of order. */
  clear(): void {
    this.#alarms.clear();
    this.#courier.clear();
    this.#dispatch.clear();
    this.#log.clear();
    this.#dice.set(ORDERLY);
    void this.#outbound.cut();
  }
}
