// Authorized requests to one account's API: the token, the gate, one repeat after a 401, typed errors, parsed bodies.

import { z } from 'zod';
import type { PrivateAddresses } from '../lib/private-addresses.js';
import { answerError, isPage } from './answer-error.js';
import { ConnectionError } from './errors/connection-error.js';
import { type ErrorContext, tokenOperation } from './errors/docplanner-error.js';
import { UnexpectedAnswerError } from './errors/unexpected-answer-error.js';
import type { GateAnswer, RequestGate } from './gate.js';
import { rateLimitOf, retryAfterMsOf } from './rate-limit.js';
import { defaultTokenBackoff, type GrantedToken, type TokenBackoff, TokenSource } from './token-source.js';
import { type Answer, type Exchange, type Method, Transport } from './transport.js';
import { defaultUserAgent } from './user-agent.js';
import { problemOf } from './wire.js';

export interface ApiOptions {
  /** The account's name, for messages. */
  readonly account: string;
  /** `https://www.…` as of `baseUrlOf(domain)`, or another host that speaks the same API. */
  readonly baseUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Default `slotkeeper/<version>`. */
  readonly userAgent?: string | undefined;
  /** Milliseconds for one whole request; default 20,000. */
  readonly timeoutMs?: number | undefined;
  /** Bytes of an answer's body, decompressed; default 16 MiB. */
  readonly maxAnswerBytes?: number | undefined;
  /** Epoch milliseconds; default `Date.now`. */
  readonly now?: (() => number) | undefined;
  readonly gate?: RequestGate | undefined;
  /** Refuses private addresses; without it any address is asked. */
  readonly privateAddresses?: PrivateAddresses | undefined;
  /** How long a failing token endpoint is left alone. */
  readonly tokenBackoff?: TokenBackoff | undefined;
}

export interface Call {
  readonly operation: string;
  readonly method: Method;
  /** Below `/api/v3/integration`, with its segments encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly body?: object | undefined;
  /** Texts of the body that no error may repeat. */
  readonly hide?: readonly string[] | undefined;
  /** Contract: Limits. The operation has one that is not the client's. */
  readonly ownLimit?: true;
  readonly signal?: AbortSignal | undefined;
}

const apiPath = '/api/v3/integration';
const tokenPath = '/oauth/v2/token';
const accept =
  'application/vnd.docplanner+json; charset=UTF-8, application/vnd.error+docplanner+json, application/json';
const grantAnswer = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive() });

export class Api {
  readonly #options: ApiOptions;
  readonly #base: string;
  readonly #userAgent: string;
  readonly #now: () => number;
  readonly #transport: Transport;
  readonly #tokens: TokenSource;

  /** Throws a `TypeError` for a base URL that is not one. */
  constructor(options: ApiOptions, shared?: { readonly transport: Transport; readonly tokens: TokenSource }) {
    this.#options = options;
    this.#base = checkedBase(options.baseUrl);
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

  /** The same token and connections behind another gate. */
  through(gate: RequestGate): Api {
    return new Api({ ...this.#options, gate }, { transport: this.#transport, tokens: this.#tokens });
  }

  /** The status is the answer; whatever stands in the body of a success is not read. */
  async run(call: Call): Promise<void> {
    await this.#succeed(call);
  }

  /** The body of a success, parsed. A body that cannot be read is an `UnexpectedAnswerError`. */
  async read<Schema extends z.ZodType>(call: Call, schema: Schema): Promise<z.output<Schema>> {
    const answer = await this.#succeed(call);
    return parsed(answer, schema, this.context(call));
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #succeed(call: Call): Promise<Answer> {
    const context = this.context(call);
    let { answer, token } = await this.#gated(call, context);
    const sent = [token];
    if (answer.status === 401) {
      this.#tokens.refused(token);
      ({ answer, token } = await this.#gated(call, context));
      sent.push(token);
    }
    if (isSuccess(answer)) {
      this.#tokens.accepted(token);
      return answer;
    }
    const error = this.#error(context, answer, [...sent, ...(call.hide ?? [])]);
    if (answer.status === 401) this.#tokens.refusedAgain(token, error);
    throw error;
  }

  async #gated(call: Call, context: ErrorContext): Promise<{ answer: Answer; token: string }> {
    const { gate } = this.#options;
    const write = call.method !== 'GET';
    if (call.signal?.aborted)
      throw new ConnectionError(context, { reason: 'aborted', mayHaveApplied: false });
    // Without a token nothing of the budget is taken; after a long wait at the gate the token may be another.
    await this.#tokens.get(context);
    await gate?.before({ write });
    let answer: Answer | undefined;
    try {
      const token = await this.#tokens.get(context);
      answer = await this.#transport.exchange(this.#exchange(call, token), context);
      return { answer, token };
    } finally {
      const own = call.ownLimit === undefined ? {} : { ownLimit: call.ownLimit };
      await toldAfter(gate, { write, ...own, ...this.#told(answer) });
    }
  }

  #told(answer: Answer | undefined): Omit<GateAnswer, 'write' | 'ownLimit'> {
    if (answer === undefined) return {};
    const retryAfterMs = retryAfterMsOf(answer, this.#now());
    return { status: answer.status, rateLimit: rateLimitOf(answer), retryAfterMs };
  }

  #exchange({ method, path, query, body, signal }: Call, token: string): Exchange {
    const url = new URL(`${this.#base}${apiPath}${path}`);
    url.search = new URLSearchParams(query).toString();
    return {
      method,
      url,
      headers: {
        accept,
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
    const context: ErrorContext = { account, operation: tokenOperation, method: 'POST', path: tokenPath };
    const answer = await this.#transport.exchange(
      {
        method: 'POST',
        url: new URL(`${this.#base}${tokenPath}`),
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
    if (!isSuccess(answer)) throw this.#error(context, answer);
    const { access_token, expires_in } = parsed(answer, grantAnswer, context);
    return { value: access_token, expiresInMs: expires_in * 1000 };
  }

  /** What an error about this call says of it. */
  context({ operation, method, path }: Pick<Call, 'operation' | 'method' | 'path'>): ErrorContext {
    return { account: this.#options.account, operation, method, path: `${apiPath}${path}` };
  }

  #error(context: ErrorContext, answer: Answer, hide: readonly string[] = []) {
    return answerError(context, answer, this.#now(), [this.#options.clientSecret, this.#basic, ...hide]);
  }

  get #basic(): string {
    const { clientId, clientSecret } = this.#options;
    return Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
  }
}

/** What was handed out is not handed out again: neither an answer nor an error gives way to a gate that fails. */
async function toldAfter(gate: RequestGate | undefined, answer: GateAnswer): Promise<void> {
  try {
    await gate?.after(answer);
  } catch {
    // See RequestGate: the gate's owner has told of it.
  }
}

/** A page is no success, whatever its status says. */
function isSuccess(answer: Answer): boolean {
  return answer.status >= 200 && answer.status < 300 && !isPage(answer);
}

function parsed<Schema extends z.ZodType>(
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
  const what = `answered ${status} in an unknown form (${problemOf(result.error)})`;
  throw new UnexpectedAnswerError(context, what, { status });
}

function checkedBase(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || !['https:', 'http:'].includes(url.protocol)) {
    throw new TypeError(`baseUrl: ${JSON.stringify(baseUrl)} is not an http(s) URL`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new TypeError('baseUrl: must be a host and at most a path, without credentials, query or fragment');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
