// The marketplace's notification service: pull queues, pushes with retries and releases, approval requests, and the log of
// deliveries.

import type { SandboxClock } from '../clock.js';
import { ClockTimers } from '../clock-timers.js';
import type { OutgoingNotification } from '../market/notifications.js';
import type { ParsedClient } from '../seed.js';
import type { Timers } from '../timers.js';
import { createApprovalRequester, type RequestApproval } from './approvals.js';
import { DeliveryFaultInjector, type ParsedDeliveryFaults } from './delivery-faults.js';
import { DeliveryLog, type DeliveryRecord } from './delivery-log.js';
import { Dispatcher } from './dispatcher.js';
import { NotificationRouter } from './notification-router.js';
import { PartnerRequests } from './partner-requests.js';

export interface PushServiceOptions {
  readonly clock: SandboxClock;
  readonly timers: Timers;
  readonly seed: number;
  readonly deliveryFaults: ParsedDeliveryFaults;
  /** How many attempts the log retains. */
  readonly logCapacity: number;
  readonly clientOf: (id: string) => ParsedClient | undefined;
  readonly onUndelivered: (notification: OutgoingNotification) => void;
  readonly onDelivery: (record: DeliveryRecord) => void;
}

const NO_DELIVERY_FAULTS: ParsedDeliveryFaults = { repeat: 0, shuffle: 0, lose: 0 };

export class PushService {
  readonly requestApproval: RequestApproval;
  readonly #clockTimers: ClockTimers;
  readonly #log: DeliveryLog;
  readonly #partnerRequests: PartnerRequests;
  readonly #dispatcher: Dispatcher;
  readonly #faults: DeliveryFaultInjector;
  readonly #router: NotificationRouter;

  constructor(options: PushServiceOptions) {
    const { clock, timers, seed, deliveryFaults, logCapacity, clientOf, onUndelivered, onDelivery } = options;
    this.#clockTimers = new ClockTimers(clock, timers);
    this.#log = new DeliveryLog(logCapacity);
    this.#partnerRequests = new PartnerRequests({ clock, timers, log: this.#log, onEnd: onDelivery });
    const shared = { clock, clockTimers: this.#clockTimers };
    const settingsOf = (client: string) => clientOf(client)?.push;
    this.#dispatcher = new Dispatcher({
      ...shared,
      partnerRequests: this.#partnerRequests,
      settingsOf,
      onUndelivered,
    });
    this.#faults = new DeliveryFaultInjector(seed, deliveryFaults);
    this.#router = new NotificationRouter({
      ...shared,
      dispatcher: this.#dispatcher,
      faults: this.#faults,
      clientOf,
    });
    this.requestApproval = createApprovalRequester(this.#partnerRequests, clientOf);
  }

  get deliveries(): readonly DeliveryRecord[] {
    return this.#log.records;
  }

  /** Idempotent. */
  start(): void {
    this.#dispatcher.start();
    this.#clockTimers.start();
  }

  /** Idempotent. Aborts pushes in flight; they are sent again after the next start. */
  async stop(): Promise<void> {
    this.#clockTimers.stop();
    this.#dispatcher.stop();
    await this.#partnerRequests.abortAll();
  }

  notify(notification: OutgoingNotification): void {
    this.#router.route(notification);
  }

  /** Removes the client's oldest notifications from its queue and returns them. */
  pull(client: string, limit: number, now: number) {
    return this.#router.queues.pull(client, limit, now);
  }

  /** Sends the failed pushes of the client again. */
  release(client: string): void {
    this.#dispatcher.release(client);
  }

  setDeliveryFaults(faults: ParsedDeliveryFaults): void {
    this.#faults.set(faults);
  }

  /** Deletes all notifications and the log, and ends all delivery faults. */
  clear(): void {
    this.#clockTimers.clear();
    this.#dispatcher.clear();
    this.#router.clear();
    this.#log.clear();
    this.#faults.set(NO_DELIVERY_FAULTS);
    void this.#partnerRequests.abortAll();
  }
}
