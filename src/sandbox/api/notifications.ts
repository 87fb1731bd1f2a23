// Notifications for clients that pull, and the request to send failed pushes again. Contract: Notifications, Limits.
import { Refusal } from '../http/answer.js';
import type { Call, Operation } from '../http/operation.js';
import { API_PREFIX } from './paths.js';
import { invalid } from './read.js';

const MOST = 100;

const pullOne: Operation = {
  name: 'getNotification',
  method: 'GET',
  path: `${API_PREFIX}/notifications`,
  changes: true,
  handle: (call) => ({ status: 200, body: pull(call, 1).notifications[0] }),
};

const pullMany: Operation = {
  name: 'getNotifications',
  method: 'GET',
  path: `${API_PREFIX}/notifications/multiple`,
  changes: true,
  handle: (call) => {
    const text = call.query.get('limit') ?? '1';
    const limit = /^\d+$/.test(text) ? Number(text) : 0;
    if (limit < 1 || limit > MOST)
      throw invalid('limit', `This value should be a whole number from 1 to ${MOST}.`);
    return { status: 200, body: pull(call, limit) };
  },
};

const release: Operation = {
  name: 'releaseNotifications',
  method: 'POST',
  path: `${API_PREFIX}/notifications/release`,
  handle: (call) => {
    const client = call.market.directory.client(call.client);
    const pulls = client !== undefined && (client.notifications ?? 'pull') === 'pull';
    if (pulls) throw new Refusal(403, 'Only clients that are pushed to can ask for a release.');
    const { allowed, reading } = call.limiter.release(call.client, call.limits, call.now);
    if (allowed) {
      call.postOffice.release(call.client);
      return { status: 204 };
    }
    const seconds = Math.max(1, Math.ceil(((reading?.resetAt ?? call.now) - call.now) / 1_000));
    throw new Refusal(429, 'Too many requests.', { headers: { 'retry-after': String(seconds) } });
  },
};

export const notificationOperations: readonly Operation[] = [pullOne, pullMany, release];

function pull(call: Call, limit: number) {
  const pulled = call.postOffice.take(call.client, limit, call.now);
  if (pulled.notifications.length === 0) throw new Refusal(404, 'There are no notifications.');
  return pulled;
}
