/** The API key: `Authorization: Bearer …`, compared in constant time. */
import { hash, timingSafeEqual } from 'node:crypto';
import type { onRequestHookHandler } from 'fastify';
import { ProblemError } from './problem.js';

/** Equal lengths, whatever came in. */
const digest = (value: string): Buffer => hash('sha256', value, 'buffer');

/** In a time that tells nothing about either. */
export const isSameSecret = (one: string, other: string): boolean =>
  timingSafeEqual(digest(one), digest(other));

export function requireApiKey(apiKey: string): onRequestHookHandler {
  return (request, reply, done) => {
    const [, key] = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (key !== undefined && isSameSecret(key, apiKey)) {
      done();
      return;
    }
    reply.header('www-authenticate', 'Bearer');
    done(
      new ProblemError({
        status: 401,
        title: 'Unauthorized',
        detail:
          key === undefined ? 'send Authorization: Bearer with the API key' : 'the API key is not right',
      }),
    );
  };
}
