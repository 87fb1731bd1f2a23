/** The API key: `Authorization: Bearer …`, compared in constant time. */
import { hash, timingSafeEqual } from 'node:crypto';
import type { onRequestAsyncHookHandler } from 'fastify';
import { ProblemError } from './problem.js';
import type { WrongKeys } from './wrong-keys.js';

/** The name of the API key's holder in the history. */
export const API_ACTOR = 'api';

/** Digests have equal lengths, which the comparison requires. */
const digest = (value: string): Buffer => hash('sha256', value, 'buffer');

/** Compares in constant time. */
export const isSameSecret = (one: string, other: string): boolean =>
  timingSafeEqual(digest(one), digest(other));

export function requireApiKey(apiKey: string, wrongKeys: WrongKeys): onRequestAsyncHookHandler {
  return async ({ headers, ip }, reply) => {
    const [, key] = /^Bearer +(.+)$/i.exec(headers.authorization ?? '') ?? [];
    if (key !== undefined && isSameSecret(key, apiKey)) return;
    await wrongKeys.refuse('api', ip);
    reply.header('www-authenticate', 'Bearer');
    const detail = key === undefined ? 'send Authorization: Bearer with the API key' : 'the API key is wrong';
    throw new ProblemError({ status: 401, title: 'Unauthorized', detail });
  };
}
