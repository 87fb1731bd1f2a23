// The way out to the partners' endpoints: every push and every question goes this way, is written down, and is cut when the
// sandbox stops.
import type { SandboxClock } from '../clock.js';
import type { Notification } from '../market/notifications.js';
import type { Timers } from '../timers.js';
import type { DeliveryLog, DeliveryRecord } from './delivery-log.js';
import { type Posting, post } from './post.js';
import type { PushSettings } from './settings.js';

export interface Sending {
  readonly client: string;
  readonly push: PushSettings;
  readonly notification: Notification;
  readonly bookingId: string | undefined;
  readonly attempt: number;
  /** Instead of the client's own. */
  readonly timeoutMs?: number;
}

export interface OutboundParts {
  readonly clock: SandboxClock;
  readonly timers: Timers;
  readonly log: DeliveryLog;
  readonly onEnd: (record: DeliveryRecord) => void;
}

export class Outbound {
  readonly #parts: OutboundParts;
  /** What cuts each, and when it has ended. */
  readonly #underway = new Map<AbortController, Promise<void>>();

  constructor(parts: OutboundParts) {
    this.#parts = parts;
  }

  send({ client, push, notification, bookingId, attempt, timeoutMs }: Sending): Posting {
    const { clock, timers, log, onEnd } = this.#parts;
    const at = clock.now();
    const record = log.open({ client, name: notification.name, bookingId, attempt, at });
    const cutter = new AbortController();
    const posting = post({
      url: push.url,
      headers: push.apiKey === undefined ? {} : { [push.header]: push.apiKey },
      body: notification,
      timeoutMs: timeoutMs ?? push.timeoutMs,
      signal: cutter.signal,
      timers,
    });
    const ended = posting.answer.then((answer) => {
      this.#underway.delete(cutter);
      log.close(record, { status: answer?.status, endedAt: clock.now() });
      onEnd(record);
    });
    this.#underway.set(cutter, ended);
    return posting;
  }

  /** Cuts what waits for an answer; resolves when nothing is left of it. */
  async cut(): Promise<void> {
    for (const cutter of this.#underway.keys()) cutter.abort();
    await Promise.all(this.#underway.values());
  }
}
