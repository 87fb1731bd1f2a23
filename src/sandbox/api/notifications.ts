// The operations that pull notifications, and the one that releases failed pushes. Contract: Notifications, Limits.

import type { Operation, OperationCall } from '../http/operation.js';
import { ApiError } from '../http/response.js';
import { API_PREFIX } from './paths.js';
import { invalidRequest } from './request.js';

const MAX_LIMIT = 100;

const pullOne: Operation = {
  name: 'getNotification',
  method: 'GET',
  path: `${API_PREFIX}/notifications`,
  changesState: true,
  handle: (call) => ({ status: 200, body: pullNotifications(call, 1).notifications[0] }),
};

const pullMany: Operation = {
  name: 'getNotifications',
  method: 'GET',
  path: `${API_PREFIX}/notifications/multiple`,
  changesState: true,
  handle: (call) => {
    const text = call.query.get('limit') ?? '1';
    const limit = /^\d+$/.test(text) ? Number(text) : 0;
    if (limit < 1 || limit > MAX_LIMIT)
      throw invalidRequest('limit', `This value should be a whole number from 1 to ${MAX_LIMIT}.`);
    return { status: 200, body: pullNotifications(call, limit) };
  },
};

const release: Operation = {
  name: 'releaseNotifications',
  method: 'POST',
  path: `${API_PREFIX}/notifications/release`,
  handle: (call) => {
    const client = call.market.directory.findClient(call.client);
    const isPullClient = client !== undefined && (client.notifications ?? 'pull') === 'pull';
    if (isPullClient) throw new ApiError(403, 'Only clients that are pushed to can ask for a release.');
    const { allowed, state } = call.limiter.countRelease(call.client, call.limits, call.now);
    if (allowed) {
      call.pushService.release(call.client);
      return { status: 204 };
    }
    const seconds = Math.max(1, Math.ceil(((state?.resetAt ?? call.now) - call.now) / 1_000));
    throw new ApiError(429, 'Too many requests.', { headers: { 'retry-after': String(seconds) } });
  },
};

export const notificationOperations: readonly Operation[] = [pullOne, pullMany, release];

function pullNotifications(call: OperationCall, limit: number) {
  const pulled = call.pushService.pull(call.client, limit, call.now);
  if (pulled.notifications.length === 0) throw new ApiError(404, 'There are no notifications.');
  return pulled;
}
