/**
 * One POST to a clinic's webhook, signed by the Standard Webhooks scheme: never redirected, bounded in time. Nothing of
 * an answer but its status goes any further, since it may repeat what it was sent.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { got, type Request, TimeoutError } from 'got';
import { type Agents, isPrivateAddressError, PrivateAddresses } from '../lib/private-addresses.js';
import { type Addressee, keyOf } from './destination.js';
import { readRetryAfter } from './retry-policy.js';
import { signed } from './sign.js';

export type Sent =
  | { readonly kind: 'taken' }
  /** `pauseMs` is what the clinic asks for. */
  | { readonly kind: 'refused'; readonly reason: string; readonly pauseMs?: number };

export interface WebhooksOptions {
  /** For one attempt, from the first byte out to the status of the answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** For webhooks that were named over HTTP; default: none may be asked. */
  readonly privateAddresses?: PrivateAddresses | undefined;
}

/** What an answer says beside its status is read for the connection to be used again, and thrown away. */
const MAX_ANSWER_BYTES = 64 * 1024;
const sockets = { keepAlive: true, maxFreeSockets: 4 };

export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #agents: Agents = { http: new HttpAgent(sockets), https: new HttpsAgent(sockets) };
  /** Apart, so that no connection to where an operator's webhook is serves another's. */
  readonly #guarded: Agents;

  constructor(options: WebhooksOptions) {
    this.#options = options;
    this.#guarded = (options.privateAddresses ?? new PrivateAddresses([])).agentsWith(sockets);
  }

  /**
   * Never throws for what the clinic does.
   * @param id the same on every attempt, so that the clinic knows it again
   */
  async send({ url, secret, overHttp }: Addressee, id: string, item: object): Promise<Sent> {
    const { timeoutMs, now } = this.#options;
    const body = JSON.stringify(item);
    const key = keyOf(secret);
    if (key === undefined) return { kind: 'refused', reason: 'the secret is not base64 after whsec_' };
    const at = new Date(now());
    const stream = got.stream.post(url, {
      body,
      headers: signed(key, id, at, body),
      agent: overHttp === true ? this.#guarded : this.#agents,
      timeout: { request: timeoutMs },
      retry: { limit: 0 },
      followRedirect: false,
      throwHttpErrors: false,
    });
    try {
      return await this.#answerOf(stream);
    } catch (error) {
      return { kind: 'refused', reason: reasonOf(error, timeoutMs) };
    } finally {
      stream.destroy();
    }
  }

  close(): void {
    for (const { http, https } of [this.#agents, this.#guarded]) {
      http.destroy();
      https.destroy();
    }
  }

  async #answerOf(stream: Request): Promise<Sent> {
    const status = await statusOf(stream);
    const { response } = stream;
    // Taken is taken, whatever becomes of the rest of the answer.
    await drain(stream).catch(() => undefined);
    if (status >= 200 && status < 300) return { kind: 'taken' };
    const pauseMs = readRetryAfter(response?.headers['retry-after'], this.#options.now());
    return { kind: 'refused', reason: `answered ${status}`, ...(pauseMs === undefined ? {} : { pauseMs }) };
  }
}

async function statusOf(stream: Request): Promise<number> {
  return await new Promise<number>((resolve, reject) => {
    stream.once('response', (response: { statusCode: number }) => resolve(response.statusCode));
    stream.once('error', reject);
  });
}

async function drain(stream: Request): Promise<void> {
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += Buffer.byteLength(chunk);
    if (bytes > MAX_ANSWER_BYTES) return;
  }
}

/** Nothing of got's error is kept but its code: its options hold what was sent. */
function reasonOf(error: unknown, timeoutMs: number): string {
  if (isPrivateAddressError(error))
    return 'is at a private address, and network.allowPrivate does not list it';
  if (error instanceof TimeoutError) return `no answer within ${timeoutMs} ms`;
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
  return `could not be reached (${code})`;
}
