// Sends one POST to a client's endpoint. Only a complete response in time counts: a timeout, a cut connection and an unknown host
// are no response. A redirect is a response and is not followed.
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import got from 'got';
import type { Timers } from '../timers.js';

export interface PostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** Real milliseconds. */
  readonly timeoutMs: number;
  /** Aborts the request without a response. */
  readonly signal: AbortSignal;
  readonly timers: Timers;
}

export interface PartnerResponse {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

export interface PostInProgress {
  /** Resolves when the request is written, has ended, or finds no connection within MAX_WRITE_WAIT_MS. Never rejects. */
  readonly written: Promise<void>;
  /** Undefined without a response. Never rejects. */
  readonly response: Promise<PartnerResponse | undefined>;
}

/** A new connection for each request: a kept-alive connection can close in the moment of its reuse, which would lose a push. */
const agent = { http: new HttpAgent({ keepAlive: false }), https: new HttpsAgent({ keepAlive: false }) };

/** How long the next push waits for a request that finds no connection; real milliseconds. */
const MAX_WRITE_WAIT_MS = 1_000;

export function post({ url, headers, body, timeoutMs, signal, timers }: PostRequest): PostInProgress {
  const [timeout, ended] = [new AbortController(), new AbortController()];
  const request = got.post(url, {
    json: body,
    headers: { 'user-agent': 'slotkeeper-sandbox', ...headers },
    followRedirect: false,
    retry: { limit: 0 },
    throwHttpErrors: false,
    agent,
    signal: AbortSignal.any([signal, timeout.signal]),
  });
  const response = request.then(
    ({ statusCode, headers: received, body: text }) => ({
      status: statusCode,
      contentType: received['content-type'] ?? '',
      text,
    }),
    () => undefined,
  );
  void timers.sleep(timeoutMs, ended.signal).then(() => {
    if (!ended.signal.aborted) timeout.abort();
  });
  void response.then(() => ended.abort());
  const written = new Promise<void>((resolve) => {
    void timers.sleep(MAX_WRITE_WAIT_MS, ended.signal).then(resolve);
    request.on('request', (raw) => raw.once('finish', resolve));
    void response.then(() => resolve());
  });
  return { written, response };
}

export function isSuccess(response: PartnerResponse | undefined): boolean {
  return response !== undefined && response.status >= 200 && response.status < 300;
}
