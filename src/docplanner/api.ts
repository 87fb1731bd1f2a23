// Sends authorized requests to the API of one account: token, request gate, one retry after a 401, typed errors, parsed bodies.

import { z } from 'zod';
import type { PrivateAddresses } from '../lib/private-addresses.js';
import { createAnswerError, isPage } from './answer-error.js';
import { ConnectionError } from './errors/connection-error.js';
import { type ErrorContext, tokenOperation } from './errors/docplanner-error.js';
import { UnexpectedAnswerError } from './errors/unexpected-answer-error.js';
import type { GateAnswer, GatedRequest, RequestGate } from './gate.js';
import { rateLimitOf, retryAfterMsOf } from './rate-limit.js';
import { defaultTokenBackoff, type GrantedToken, type TokenBackoff, TokenSource } from './token-source.js';
import { type Answer, type Exchange, type Method, Transport } from './transport.js';
import { defaultUserAgent } from './user-agent.js';
import { describeProblem } from './wire.js';

export interface ApiOptions {
  /** The account's id, for error messages. */
  readonly account: string;
  /** The result of `baseUrlOf(domain)`, or another host with the same API. */
  readonly baseUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Default `slotkeeper/<version>`. */
  readonly userAgent?: string | undefined;
  /** The timeout of a whole request in milliseconds; default 20,000. */
  readonly timeoutMs?: number | undefined;
  /** The maximum size of an answer's decompressed body in bytes; default 16 MiB. */
  readonly maxAnswerBytes?: number | undefined;
  /** The clock in epoch milliseconds; default `Date.now`. */
  readonly now?: (() => number) | undefined;
  readonly gate?: RequestGate | undefined;
  /** Refuses connections to private addresses; without it every address is allowed. */
  readonly privateAddresses?: PrivateAddresses | undefined;
  /** The delays between requests to a failing token endpoint. */
  readonly tokenBackoff?: TokenBackoff | undefined;
}

export interface ApiCall {
  readonly operation: string;
  readonly method: Method;
  /** The path below `/api/v3/integration`, with encoded segments. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly body?: object | undefined;
  /** Texts of the body that must not appear in an error. */
  readonly hide?: readonly string[] | undefined;
  /** The operation has a limit of its own, separate from the client's limits. Contract: Limits. */
  readonly ownLimit?: true;
  readonly signal?: AbortSignal | undefined;
}

const API_PATH = '/api/v3/integration';
const TOKEN_PATH = '/oauth/v2/token';
const ACCEPT =
  'application/vnd.docplanner+json; charset=UTF-8, application/vnd.error+docplanner+json, application/json';
const grantAnswer = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive() });

export class Api {
  readonly #options: ApiOptions;
  readonly #base: string;
  readonly #userAgent: string;
  readonly #now: () => number;
  readonly #transport: Transport;
  readonly #tokens: TokenSource;

  /** @throws TypeError for an invalid base URL */
  constructor(options: ApiOptions, shared?: { readonly transport: Transport; readonly tokens: TokenSource }) {
    this.#options = options;
    this.#base = parseBaseUrl(options.baseUrl);
    this.#userAgent = options.userAgent ?? defaultUserAgent();
    this.#now = options.now ?? Date.now;
    this.#transport =
      shared?.transport ??
      new Transport({
        timeoutMs: options.timeoutMs ?? 20_000,
        maxAnswerBytes: options.maxAnswerBytes ?? 16 * 1024 * 1024,
        privateAddresses: options.privateAddresses,
      });
    this.#tokens =
      shared?.tokens ??
      new TokenSource(() => this.#grant(), this.#now, options.tokenBackoff ?? defaultTokenBackoff);
  }

  /** Returns an Api with another gate that shares the token and the connections. */
  withGate(gate: RequestGate): Api {
    return new Api({ ...this.#options, gate }, { transport: this.#transport, tokens: this.#tokens });
  }

  /** Sends a request whose success has no body; a body is not read. */
  async send(call: ApiCall): Promise<void> {
    await this.#request(call);
  }

  /**
   * Returns the parsed body of a success.
   * @throws UnexpectedAnswerError for a body that does not match the schema
   */
  async read<Schema extends z.ZodType>(call: ApiCall, schema: Schema): Promise<z.output<Schema>> {
    const answer = await this.#request(call);
    return parseAnswer(answer, schema, this.context(call));
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #request(call: ApiCall): Promise<Answer> {
    const context = this.context(call);
    let { answer, token } = await this.#sendThroughGate(call, context);
    const sentTokens = [token];
    if (answer.status === 401) {
      this.#tokens.invalidate(token);
      ({ answer, token } = await this.#sendThroughGate(call, context));
      sentTokens.push(token);
    }
    if (isSuccess(answer)) {
      this.#tokens.recordSuccess(token);
      return answer;
    }
    const error = this.#createError(context, answer, [...sentTokens, ...(call.hide ?? [])]);
    if (answer.status === 401) this.#tokens.recordRejection(token, error);
    throw error;
  }

  async #sendThroughGate(call: ApiCall, context: ErrorContext): Promise<{ answer: Answer; token: string }> {
    const { gate } = this.#options;
    const request = { write: call.method !== 'GET', operation: call.operation };
    if (call.signal?.aborted)
      throw new ConnectionError(context, { reason: 'aborted', mayHaveApplied: false });
    // The token is requested first, so that a failure consumes no rate limit. It can be renewed during a long wait at the gate.
    await this.#tokens.get(context);
    await gate?.before(request);
    let answer: Answer | undefined;
    try {
      const token = await this.#tokens.get(context);
      answer = await this.#transport.exchange(this.#exchange(call, token), context);
      return { answer, token };
    } finally {
      const own = call.ownLimit === undefined ? {} : { ownLimit: call.ownLimit };
      await notifyGate(gate, { ...request, ...own, ...this.#gateAnswer(answer) });
    }
  }

  #gateAnswer(answer: Answer | undefined): Omit<GateAnswer, keyof GatedRequest | 'ownLimit'> {
    if (answer === undefined) return {};
    const retryAfterMs = retryAfterMsOf(answer, this.#now());
    return { status: answer.status, rateLimit: rateLimitOf(answer), retryAfterMs };
  }

  #exchange({ method, path, query, body, signal }: ApiCall, token: string): Exchange {
    const url = new URL(`${this.#base}${API_PATH}${path}`);
    url.search = new URLSearchParams(query).toString();
    return {
      method,
      url,
      headers: {
        ACCEPT,
        authorization: `Bearer ${token}`,
        'user-agent': this.#userAgent,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    };
  }

  async #grant(): Promise<GrantedToken> {
    const { account } = this.#options;
    const context: ErrorContext = { account, operation: tokenOperation, method: 'POST', path: TOKEN_PATH };
    const answer = await this.#transport.exchange(
      {
        method: 'POST',
        url: new URL(`${this.#base}${TOKEN_PATH}`),
        headers: {
          accept: 'application/json',
          authorization: `Basic ${this.#basic}`,
          'content-type': 'application/x-www-form-urlencoded',
          'user-agent': this.#userAgent,
        },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'integration' }).toString(),
      },
      context,
    );
    if (!isSuccess(answer)) throw this.#createError(context, answer);
    const { access_token, expires_in } = parseAnswer(answer, grantAnswer, context);
    return { value: access_token, expiresInMs: expires_in * 1000 };
  }

  /** The context of errors of this call. */
  context({ operation, method, path }: Pick<ApiCall, 'operation' | 'method' | 'path'>): ErrorContext {
    return { account: this.#options.account, operation, method, path: `${API_PATH}${path}` };
  }

  #createError(context: ErrorContext, answer: Answer, hide: readonly string[] = []) {
    return createAnswerError(context, answer, this.#now(), [
      this.#options.clientSecret,
      this.#basic,
      ...hide,
    ]);
  }

  get #basic(): string {
    const { clientId, clientSecret } = this.#options;
    return Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
  }
}

/** Ignores a failure of the gate: it must replace neither the answer, which cannot be requested again, nor the error. */
async function notifyGate(gate: RequestGate | undefined, answer: GateAnswer): Promise<void> {
  try {
    await gate?.after(answer);
  } catch {
    // See RequestGate: the owner of the gate reports its failure.
  }
}

/** An HTML page is not a success, regardless of its status. */
function isSuccess(answer: Answer): boolean {
  return answer.status >= 200 && answer.status < 300 && !isPage(answer);
}

function parseAnswer<Schema extends z.ZodType>(
  answer: Answer,
  schema: Schema,
  context: ErrorContext,
): z.output<Schema> {
  const { status } = answer;
  let body: unknown;
  try {
    body = JSON.parse(answer.body);
  } catch {
    throw new UnexpectedAnswerError(context, `answered ${status} with a body that is not JSON`, { status });
  }
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const what = `answered ${status} in an unknown format (${describeProblem(result.error)})`;
  throw new UnexpectedAnswerError(context, what, { status });
}

function parseBaseUrl(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || !['https:', 'http:'].includes(url.protocol)) {
    throw new TypeError(`baseUrl: ${JSON.stringify(baseUrl)} is not an http(s) URL`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new TypeError('baseUrl: must be a host and at most a path, without credentials, query or fragment');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
