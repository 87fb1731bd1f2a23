// Sends one HTTP request with got: limited in time, size and sockets, without retries and redirects.

import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import got, { AbortError, type Request, TimeoutError } from 'got';
import { type Agents, isPrivateAddressError, type PrivateAddresses } from '../lib/private-addresses.js';
import { ConnectionError, type ConnectionFailure } from './errors/connection-error.js';
import type { ErrorContext } from './errors/docplanner-error.js';
import { UnexpectedAnswerError } from './errors/unexpected-answer-error.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Exchange {
  readonly method: Method;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface TransportOptions {
  /** The timeout of the whole exchange in milliseconds, from the wait for a socket to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
  /** Refuses connections to private addresses; without it every address is allowed. */
  readonly privateAddresses?: PrivateAddresses | undefined;
}

/** An idle connection is closed after this time, before the server closes it in the moment of its reuse. */
const IDLE_MS = 4_000;
const SOCKET_OPTIONS = { keepAlive: true, maxSockets: 8, maxFreeSockets: 4, timeout: IDLE_MS };

export class Transport {
  readonly #options: TransportOptions;
  readonly #agents: Agents;
  readonly #active = new Set<Promise<Answer>>();
  #closed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#agents = options.privateAddresses?.agentsWith(SOCKET_OPTIONS) ?? {
      http: new HttpAgent(SOCKET_OPTIONS),
      https: new HttpsAgent(SOCKET_OPTIONS),
    };
  }

  /**
   * Resolves for every HTTP status.
   * @throws ConnectionError without a complete answer
   * @throws UnexpectedAnswerError for an oversized body
   */
  async exchange(exchange: Exchange, context: ErrorContext): Promise<Answer> {
    if (this.#closed) throw new ConnectionError(context, { reason: 'closed', mayHaveApplied: false });
    if (exchange.signal?.aborted)
      throw new ConnectionError(context, { reason: 'aborted', mayHaveApplied: false });
    const answer = this.#send(exchange, context);
    this.#active.add(answer);
    try {
      return await answer;
    } finally {
      this.#active.delete(answer);
    }
  }

  /** Refuses new exchanges, waits for active ones and closes the sockets. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#active);
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  async #send({ method, url, headers, body, signal }: Exchange, context: ErrorContext): Promise<Answer> {
    const stream = got.stream(url, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
      agent: this.#agents,
      timeout: { request: this.#options.timeoutMs },
      retry: { limit: 0 },
      followRedirect: false,
      throwHttpErrors: false,
    });
    // got does not end a request stream without a body, except for GET.
    if (body === undefined && method !== 'GET') stream.end();
    try {
      const text = await this.#read(stream);
      const { response } = stream;
      if (response === undefined) throw new Error('the stream ended without an answer');
      const { statusCode: status, headers: answered } = response;
      if (text === undefined) {
        const what = `answered more than ${this.#options.maxAnswerBytes} bytes`;
        throw new UnexpectedAnswerError(context, what, { status });
      }
      return { status, headers: answered, body: text };
    } catch (error) {
      if (error instanceof UnexpectedAnswerError) throw error;
      throw new ConnectionError(context, toConnectionFailure(error, url, stream), {
        status: stream.response?.statusCode,
      });
    }
  }

  async #read(stream: Request): Promise<string | undefined> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > this.#options.maxAnswerBytes) return undefined;
      chunks.push(bytes);
    }
    return Buffer.concat(chunks).toString('utf8');
  }
}

/** Retains only the code of got's error, because its options contain the credentials. */
function toConnectionFailure(error: unknown, url: URL, stream: Request) {
  const code = findErrorCode(error);
  const { timings } = stream;
  const connected = url.protocol === 'https:' ? timings?.secureConnect : timings?.connect;
  if (isPrivateAddressError(error)) return { reason: 'private', mayHaveApplied: false } as const;
  return { reason: classifyReason(error, code), mayHaveApplied: connected !== undefined, code };
}

function findErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function classifyReason(error: unknown, code = ''): ConnectionFailure {
  if (error instanceof AbortError) return 'aborted';
  if (error instanceof TimeoutError || code === 'ETIMEDOUT') return 'timeout';
  if (code === 'ENOTFOUND' || code.startsWith('EAI_')) return 'dns';
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return 'unreachable';
  if (['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE'].includes(code)) return 'reset';
  if (code.startsWith('HPE_')) return 'protocol';
  if (/TLS|SSL|CERT|SELF_SIGNED|UNABLE_TO_/.test(code)) return 'tls';
  return 'other';
}
