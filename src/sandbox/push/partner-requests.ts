// Sends pushes and approval requests to the clients' endpoints, logs each one, and aborts those in flight when the sandbox stops.
import type { SandboxClock } from '../clock.js';
import type { Notification } from '../market/notifications.js';
import type { Timers } from '../timers.js';
import type { DeliveryLog, DeliveryRecord } from './delivery-log.js';
import { type PostInProgress, post } from './post.js';
import type { PushSettings } from './settings.js';

export interface PartnerRequest {
  readonly client: string;
  readonly push: PushSettings;
  readonly notification: Notification;
  readonly bookingId: string | undefined;
  readonly attempt: number;
  /** Overrides the timeout of the client's push settings. */
  readonly timeoutMs?: number;
}

export interface PartnerRequestsOptions {
  readonly clock: SandboxClock;
  readonly timers: Timers;
  readonly log: DeliveryLog;
  readonly onEnd: (record: DeliveryRecord) => void;
}

export class PartnerRequests {
  readonly #options: PartnerRequestsOptions;
  /** By abort controller, a promise that resolves when the request has ended. */
  readonly #active = new Map<AbortController, Promise<void>>();

  constructor(options: PartnerRequestsOptions) {
    this.#options = options;
  }

  send({ client, push, notification, bookingId, attempt, timeoutMs }: PartnerRequest): PostInProgress {
    const { clock, timers, log, onEnd } = this.#options;
    const at = clock.now();
    const record = log.open({ client, name: notification.name, bookingId, attempt, at });
    const controller = new AbortController();
    const inProgress = post({
      url: push.url,
      headers: push.apiKey === undefined ? {} : { [push.header]: push.apiKey },
      body: notification,
      timeoutMs: timeoutMs ?? push.timeoutMs,
      signal: controller.signal,
      timers,
    });
    const ended = inProgress.response.then((answer) => {
      this.#active.delete(controller);
      log.close(record, { status: answer?.status, endedAt: clock.now() });
      onEnd(record);
    });
    this.#active.set(controller, ended);
    return inProgress;
  }

  /** Aborts the requests in flight; resolves when all have ended. */
  async abortAll(): Promise<void> {
    for (const controller of this.#active.keys()) controller.abort();
    await Promise.all(this.#active.values());
  }
}
