// One POST to a partner's endpoint. Anything but a whole answer in time is no answer: silence, a cut connection, a name that
// leads nowhere. A redirect is an answer, and is not followed.
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import got from 'got';
import type { Timers } from '../timers.js';

export interface Outgoing {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** Real milliseconds. */
  readonly timeoutMs: number;
  /** Ends it without an answer. */
  readonly signal: AbortSignal;
  readonly timers: Timers;
}

export interface PartnerAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

export interface Posting {
  /** It is on the wire, or has ended, or takes too long to get there. Never rejects. */
  readonly written: Promise<void>;
  /** Undefined when there was none. Never rejects. */
  readonly answer: Promise<PartnerAnswer | undefined>;
}

/** A connection for each: one that was kept may end just when it is used again, and would cost the partner a push. */
const agent = { http: new HttpAgent({ keepAlive: false }), https: new HttpsAgent({ keepAlive: false }) };

/** How long others wait behind one that finds no connection; real milliseconds. */
const MAX_START_MS = 1_000;

export function post({ url, headers, body, timeoutMs, signal, timers }: Outgoing): Posting {
  const [late, over] = [new AbortController(), new AbortController()];
  const request = got.post(url, {
    json: body,
    headers: { 'user-agent': 'slotkeeper-sandbox', ...headers },
    followRedirect: false,
    retry: { limit: 0 },
    throwHttpErrors: false,
    agent,
    signal: AbortSignal.any([signal, late.signal]),
  });
  const answer = request.then(
    (response) => ({
      status: response.statusCode,
      contentType: response.headers['content-type'] ?? '',
      text: response.body,
    }),
    () => undefined,
  );
  void timers.sleep(timeoutMs, over.signal).then(() => {
    if (!over.signal.aborted) late.abort();
  });
  void answer.then(() => over.abort());
  const written = new Promise<void>((resolve) => {
    void timers.sleep(MAX_START_MS, over.signal).then(resolve);
    request.on('request', (raw) => raw.once('finish', resolve));
    void answer.then(() => resolve());
  });
  return { written, answer };
}

export function isSuccess(answer: PartnerAnswer | undefined): boolean {
  return answer !== undefined && answer.status >= 200 && answer.status < 300;
}
