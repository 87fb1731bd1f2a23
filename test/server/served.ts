// The HTTP API of a running engine over a real socket, for tests, with requests as curl sends them.
import type { Slotkeeper } from '../../src/engine.js';
import { createApp } from '../../src/server/app.js';
import type { Server } from '../../src/server/types.js';
import { atEndOfTest } from '../support/release.js';

export const KEY = 'key-of-the-clinic';

export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly headers: Headers;
  readonly body: ReturnType<typeof JSON.parse>;
}

export interface Caller {
  /** Sends the key unless `headers` replace it; a string is sent unchanged, everything else as JSON. */
  (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  readonly url: string;
}

/** @param arrived receives the path of a request when its headers have arrived */
export async function serve(engine: Slotkeeper, arrived?: (path: string) => void): Promise<Caller> {
  const app = createApp({ engine, apiKey: KEY });
  if (arrived !== undefined) onArrival(app, arrived);
  atEndOfTest(() => app.close());
  return callerOf(await app.listen({ host: '127.0.0.1', port: 0 }));
}

export function onArrival(app: Server, arrived: (path: string) => void): void {
  app.addHook('onRequest', (request, _reply, done) => {
    arrived(request.url);
    done();
  });
}

export function callerOf(url: string, key: string = KEY): Caller {
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
  };
  return Object.assign(call, { url });
}
