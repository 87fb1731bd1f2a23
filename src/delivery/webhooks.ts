/**
 * Sends one POST to a clinic's webhook, signed by the Standard Webhooks scheme, without redirects and with a timeout. Only the
 * status and `Retry-After` of a response are used, because its body may repeat the patient data of the request.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { got, type Request, TimeoutError } from 'got';
import { type Agents, isPrivateAddressError, PrivateAddresses } from '../lib/private-addresses.js';
import { signingKeyOf, type WebhookTarget } from './destination.js';
import { parseRetryAfter } from './retry-policy.js';
import { signHeaders } from './sign.js';

export type WebhookResult =
  | { readonly kind: 'accepted' }
  /** `pauseMs` is the pause that the clinic requests. */
  | { readonly kind: 'failed'; readonly reason: string; readonly pauseMs?: number };

export interface WebhooksOptions {
  /** Of one attempt, from the first byte of the request to the status of the response, in milliseconds. */
  readonly timeoutMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Private addresses that webhooks put over HTTP may name; default: none. */
  readonly privateAddresses?: PrivateAddresses | undefined;
}

/** The body of a response is read and discarded, so that the connection can be reused. */
const MAX_RESPONSE_BYTES = 64 * 1024;
const sockets = { keepAlive: true, maxFreeSockets: 4 };

export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #agents: Agents = { http: new HttpAgent(sockets), https: new HttpsAgent(sockets) };
  /** A separate pool, so that a webhook put over HTTP never reuses a connection to an operator's webhook. */
  readonly #guardedAgents: Agents;

  constructor(options: WebhooksOptions) {
    this.#options = options;
    this.#guardedAgents = (options.privateAddresses ?? new PrivateAddresses([])).agentsWith(sockets);
  }

  /**
   * Never throws because of the clinic's response.
   * @param id the same on every attempt, so that the clinic can recognize duplicates
   */
  async send({ url, secret, overHttp }: WebhookTarget, id: string, item: object): Promise<WebhookResult> {
    const { timeoutMs, now } = this.#options;
    const body = JSON.stringify(item);
    const key = signingKeyOf(secret);
    if (key === undefined) return { kind: 'failed', reason: 'the secret is not base64 after whsec_' };
    const at = new Date(now());
    const stream = got.stream.post(url, {
      body,
      headers: signHeaders(key, id, at, body),
      agent: overHttp === true ? this.#guardedAgents : this.#agents,
      timeout: { request: timeoutMs },
      retry: { limit: 0 },
      followRedirect: false,
      throwHttpErrors: false,
    });
    try {
      return await this.#readResult(stream);
    } catch (error) {
      return { kind: 'failed', reason: reasonOf(error, timeoutMs) };
    } finally {
      stream.destroy();
    }
  }

  close(): void {
    for (const { http, https } of [this.#agents, this.#guardedAgents]) {
      http.destroy();
      https.destroy();
    }
  }

  async #readResult(stream: Request): Promise<WebhookResult> {
    const status = await readStatus(stream);
    const { response } = stream;
    // The status decides, also where the body cannot be read.
    await drain(stream).catch(() => undefined);
    if (status >= 200 && status < 300) return { kind: 'accepted' };
    const pauseMs = parseRetryAfter(response?.headers['retry-after'], this.#options.now());
    return { kind: 'failed', reason: `answered ${status}`, ...(pauseMs === undefined ? {} : { pauseMs }) };
  }
}

async function readStatus(stream: Request): Promise<number> {
  return await new Promise<number>((resolve, reject) => {
    stream.once('response', (response: { statusCode: number }) => resolve(response.statusCode));
    stream.once('error', reject);
  });
}

async function drain(stream: Request): Promise<void> {
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += Buffer.byteLength(chunk);
    if (bytes > MAX_RESPONSE_BYTES) return;
  }
}

/** Of got's error only the code is used, because its options contain the request. */
function reasonOf(error: unknown, timeoutMs: number): string {
  if (isPrivateAddressError(error))
    return 'is at a private address, and network.allowPrivate does not list it';
  if (error instanceof TimeoutError) return `no answer within ${timeoutMs} ms`;
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
  return `could not be reached (${code})`;
}
