// Handles every request of the API and of the token endpoint, in this order: log, firewall, limits, faults, token, duplicates,
// operation, response.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessTokens } from '../access-tokens.js';
import type { AddressRef } from '../address.js';
import type { SandboxClock } from '../clock.js';
import type { DrawnFaults, FaultInjector } from '../fault-injector.js';
import type { Processing } from '../market/duplicates.js';
import type { Market } from '../market/market.js';
import type { PushService } from '../push/push-service.js';
import type { RateLimiter } from '../rate-limiter.js';
import type { RequestLog, RequestRecord } from '../request-log.js';
import type { Limits } from '../seed.js';
import type { Timers } from '../timers.js';
import { parseBearerToken, parseClientCredentials, parseForm } from './authorization.js';
import { applyAfterProcessing, faultResponse, preventsProcessing } from './fault-responses.js';
import { limitHeaders, tooManyRequests, withHeaders } from './limit-headers.js';
import { type Operation, type OperationCall, toRequestBody } from './operation.js';
import { type ResponseAction, respond, waitUnlessStopped } from './respond.js';
import { ApiError, type ApiResponse, firewallPage } from './response.js';

/** The parts of the sandbox that handle a request. */
export interface ServerParts {
  readonly clock: SandboxClock;
  readonly timers: Timers;
  readonly market: Market;
  readonly limiter: RateLimiter;
  readonly tokens: AccessTokens;
  readonly pushService: Pick<PushService, 'pull' | 'release'>;
  readonly faults: FaultInjector;
  readonly requests: RequestLog;
  readonly limitsOf: (client: string | undefined) => Limits;
  readonly onRequest: (record: RequestRecord) => void;
  readonly onError: (error: unknown, record: RequestRecord) => void;
}

export interface IncomingRequest {
  readonly operation: Operation;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  /** Aborted when the sandbox stops. */
  readonly stop: AbortSignal;
}

interface Decision {
  readonly delivery: ResponseAction;
  readonly applied: boolean;
  readonly ignored: boolean;
  readonly fault?: string | undefined;
}

const NOT_APPLIED = { applied: false, ignored: false } as const;

export async function handleRequest(parts: ServerParts, incoming: IncomingRequest): Promise<void> {
  const { request, operation } = incoming;
  const isToken = operation.name === 'token';
  const now = parts.clock.now();
  const form = isToken ? parseForm(incoming.text, request.headers['content-type']) : undefined;
  const client = form
    ? parseClientCredentials(request.headers.authorization, form)?.id
    : parts.tokens.clientOf(parseBearerToken(request.headers.authorization) ?? '', now);
  const arrival = {
    receivedAt: now,
    method: request.method ?? operation.method,
    path: request.url ?? operation.path,
    operation: operation.name,
    client,
    userAgent: request.headers['user-agent'],
    address: addressFromParams(incoming.params),
    body: redactBody(incoming.text, form),
  };
  const record = parts.requests.open(arrival, incoming.text.length);
  incoming.response.once('close', () => parts.requests.endWait(record));

  const decision = await decide(parts, incoming, record);
  const status = await respond(decision.delivery, incoming.response, incoming.stop, parts.timers);
  const { applied, ignored, fault } = decision;
  parts.requests.close(record, {
    answeredAt: parts.clock.now(),
    status,
    applied,
    ignored,
    ...(fault === undefined ? {} : { fault }),
  });
  parts.onRequest(record);
}

async function decide(
  parts: ServerParts,
  incoming: IncomingRequest,
  record: RequestRecord,
): Promise<Decision> {
  const { client, receivedAt: now } = record;
  const isToken = incoming.operation.name === 'token';
  const limits = parts.limitsOf(client);
  const network = incoming.request.socket.remoteAddress ?? '';
  if (!parts.limiter.countNetworkRequest(network, limits, now).allowed) return respondWith(firewallPage(405));
  if (isToken && client !== undefined && !parts.limiter.countTokenRequest(client, limits, now).allowed) {
    return respondWith(firewallPage(405));
  }

  const isWrite = incoming.request.method !== 'GET';
  const decision =
    isToken || client === undefined ? undefined : parts.limiter.countRequest(client, isWrite, limits, now);
  const headers = limitHeaders(decision?.state);
  if (decision?.allowed === false)
    return respondWith(withHeaders(tooManyRequests(decision.state, now), headers));

  const faults = parts.faults.draw(record);
  if (preventsProcessing(faults)) {
    const isRunning = await waitUnlessStopped(parts.timers, faults.latency, faults.resume, incoming.stop);
    return {
      ...NOT_APPLIED,
      delivery: isRunning ? faultResponse(faults, headers) : { kind: 'cut' },
      fault: faults.label,
    };
  }
  const processed = await processCall(parts, incoming, record, faults);
  const { delivery } = processed;
  if (delivery.kind !== 'answer') return { ...processed, fault: faults.label };
  const own: ResponseAction = { ...delivery, answer: withHeaders(delivery.answer, headers) };
  return { ...processed, delivery: applyAfterProcessing(faults, own, headers), fault: faults.label };
}

/** Runs the operation. A client that disconnects meanwhile does not stop it, as with a real server. */
async function processCall(
  parts: ServerParts,
  { operation, request, params, text, stop }: IncomingRequest,
  record: RequestRecord,
  faults: DrawnFaults,
): Promise<Decision> {
  let processing: Processing | undefined;
  try {
    if (record.client === undefined && operation.name !== 'token') {
      throw new ApiError(401, 'The access token is missing, unknown or expired.');
    }
    const url = new URL(request.url ?? '/', 'http://sandbox');
    const call = (): OperationCall => ({
      client: record.client ?? '',
      path: url.pathname,
      params,
      query: url.searchParams,
      body: toRequestBody(text),
      now: parts.clock.now(),
      market: parts.market,
      limiter: parts.limiter,
      limits: parts.limitsOf(record.client),
      tokens: parts.tokens,
      pushService: parts.pushService,
      authorization: request.headers.authorization,
      contentType: request.headers['content-type'],
    });
    const admitted = operation.admit?.(call());
    if (admitted !== undefined && 'processing' in admitted) processing = admitted.processing;
    if (!(await waitUnlessStopped(parts.timers, faults.latency, faults.resume, stop))) {
      return { ...NOT_APPLIED, delivery: { kind: 'cut' } };
    }
    if (admitted !== undefined && 'answer' in admitted) {
      return { ...respondWith(admitted.answer), ignored: admitted.ignored };
    }

    const answer = operation.handle(call());
    processing?.finish(parts.clock.now());
    processing = undefined;
    const changed = operation.changesState === true || operation.method !== 'GET';
    return { ...respondWith(answer), applied: changed && operation.name !== 'token' };
  } catch (error) {
    if (error instanceof ApiError) return respondWith(error.response);
    parts.onError(error, record);
    return respondWith(new ApiError(500, 'The sandbox itself failed.').response);
  } finally {
    processing?.abandon();
  }
}

function respondWith(answer: ApiResponse): Decision & { readonly delivery: { readonly kind: 'answer' } } {
  return { ...NOT_APPLIED, delivery: { kind: 'answer', answer } };
}

function addressFromParams(params: IncomingRequest['params']): AddressRef | undefined {
  const { facilityId, doctorId, addressId } = params;
  if (facilityId === undefined || doctorId === undefined || addressId === undefined) return undefined;
  return { facilityId, doctorId, addressId };
}

/** The body for the log, without the secrets of a token request. */
function redactBody(text: string, form: URLSearchParams | undefined): unknown {
  if (text === '') return undefined;
  if (form !== undefined) return { grant_type: form.get('grant_type'), scope: form.get('scope') };
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
