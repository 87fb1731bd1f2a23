/** The API key: `Authorization: Bearer …`, compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { onRequestHookHandler } from 'fastify';
import { ProblemError } from './problem.js';

/** Equal lengths, whatever came in. */
const digest = (value: string): Buffer => createHash('sha256').update(value).digest();

export function requireApiKey(apiKey: string): onRequestHookHandler {
  const expected = digest(apiKey);
  return (request, reply, done) => {
    const [, key] = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (key !== undefined && timingSafeEqual(digest(key), expected)) {
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
