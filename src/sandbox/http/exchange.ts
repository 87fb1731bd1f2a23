// The way of one request through the sandbox: log, firewall, limits, faults, token, duplicates, operation, answer.
// Every request of the API and of the token endpoint goes this way, whatever becomes of it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressRef } from '../address.js';
import type { SandboxClock } from '../clock.js';
import type { Encounter, Faults } from '../faults.js';
import type { Limiter } from '../limits.js';
import type { Processing } from '../market/duplicates.js';
import type { Market } from '../market/market.js';
import type { PostOffice } from '../push/push-service.js';
import type { RequestLog, RequestRecord } from '../request-log.js';
import type { Limits } from '../seed.js';
import type { Timers } from '../timers.js';
import type { Tokens } from '../tokens.js';
import { type Answer, firewallPage, Refusal } from './answer.js';
import { bearerToken, clientCredentials, formIn } from './authorization.js';
import { type Delivery, deliver, pause } from './deliver.js';
import { afterProcessing, faultDelivery, isMetBeforeProcessing } from './faulted.js';
import { limitHeaders, tooMany, withHeaders } from './limit-headers.js';
import { type Call, type Operation, receivedBody } from './operation.js';

/** What the exchange works with; the sandbox owns them. */
export interface Parts {
  readonly clock: SandboxClock;
  readonly timers: Timers;
  readonly market: Market;
  readonly limiter: Limiter;
  readonly tokens: Tokens;
  readonly postOffice: Pick<PostOffice, 'take' | 'release'>;
  readonly faults: Faults;
  readonly requests: RequestLog;
  readonly limitsOf: (client: string | undefined) => Limits;
  readonly onRequest: (record: RequestRecord) => void;
  readonly onError: (error: unknown, record: RequestRecord) => void;
}

export interface Incoming {
  readonly operation: Operation;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  /** Aborted when the sandbox stops. */
  readonly stop: AbortSignal;
}

interface Decision {
  readonly delivery: Delivery;
  readonly applied: boolean;
  readonly ignored: boolean;
  readonly fault?: string | undefined;
}

const UNTOUCHED = { applied: false, ignored: false } as const;

export async function exchange(parts: Parts, incoming: Incoming): Promise<void> {
  const { request, operation } = incoming;
  const isToken = operation.name === 'token';
  const now = parts.clock.now();
  const form = isToken ? formIn(incoming.text, request.headers['content-type']) : undefined;
  const client = form
    ? clientCredentials(request.headers.authorization, form)?.id
    : parts.tokens.clientOf(bearerToken(request.headers.authorization) ?? '', now);
  const arrival = {
    receivedAt: now,
    method: request.method ?? operation.method,
    path: request.url ?? operation.path,
    operation: operation.name,
    client,
    userAgent: request.headers['user-agent'],
    address: addressIn(incoming.params),
    body: loggedBody(incoming.text, form),
  };
  const record = parts.requests.open(arrival, incoming.text.length);
  incoming.response.once('close', () => parts.requests.left(record));

  const decision = await decide(parts, incoming, record);
  const status = await deliver(decision.delivery, incoming.response, incoming.stop, parts.timers);
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

async function decide(parts: Parts, incoming: Incoming, record: RequestRecord): Promise<Decision> {
  const { client, receivedAt: now } = record;
  const isToken = incoming.operation.name === 'token';
  const limits = parts.limitsOf(client);
  const network = incoming.request.socket.remoteAddress ?? '';
  if (!parts.limiter.fromNetwork(network, limits, now).allowed) return answered(firewallPage(405));
  if (isToken && client !== undefined && !parts.limiter.token(client, limits, now).allowed) {
    return answered(firewallPage(405));
  }

  const isWrite = incoming.request.method !== 'GET';
  const verdict =
    isToken || client === undefined ? undefined : parts.limiter.request(client, isWrite, limits, now);
  const headers = limitHeaders(verdict?.reading);
  if (verdict?.allowed === false) return answered(withHeaders(tooMany(verdict.reading, now), headers));

  const met = parts.faults.draw(record);
  if (isMetBeforeProcessing(met)) {
    const inTime = await pause(parts.timers, met.latency, met.letGo, incoming.stop);
    return {
      ...UNTOUCHED,
      delivery: inTime ? faultDelivery(met, headers) : { kind: 'cut' },
      fault: met.label,
    };
  }
  const processed = await processCall(parts, incoming, record, met);
  const { delivery } = processed;
  if (delivery.kind !== 'answer') return { ...processed, fault: met.label };
  const own: Delivery = { ...delivery, answer: withHeaders(delivery.answer, headers) };
  return { ...processed, delivery: afterProcessing(met, own, headers), fault: met.label };
}

/** The operation itself. A client that has gone away meanwhile does not stop it, as it would not stop a real server. */
async function processCall(
  parts: Parts,
  { operation, request, params, text, stop }: Incoming,
  record: RequestRecord,
  met: Encounter,
): Promise<Decision> {
  let processing: Processing | undefined;
  try {
    if (record.client === undefined && operation.name !== 'token') {
      throw new Refusal(401, 'The access token is missing, unknown or expired.');
    }
    const url = new URL(request.url ?? '/', 'http://sandbox');
    const call = (): Call => ({
      client: record.client ?? '',
      path: url.pathname,
      params,
      query: url.searchParams,
      body: receivedBody(text),
      now: parts.clock.now(),
      market: parts.market,
      limiter: parts.limiter,
      limits: parts.limitsOf(record.client),
      tokens: parts.tokens,
      postOffice: parts.postOffice,
      authorization: request.headers.authorization,
      contentType: request.headers['content-type'],
    });
    const admitted = operation.admit?.(call());
    if (admitted !== undefined && 'processing' in admitted) processing = admitted.processing;
    if (!(await pause(parts.timers, met.latency, met.letGo, stop))) {
      return { ...UNTOUCHED, delivery: { kind: 'cut' } };
    }
    if (admitted !== undefined && 'answer' in admitted) {
      return { ...answered(admitted.answer), ignored: admitted.ignored };
    }

    const answer = operation.handle(call());
    processing?.finish(parts.clock.now());
    processing = undefined;
    const changed = operation.changes === true || operation.method !== 'GET';
    return { ...answered(answer), applied: changed && operation.name !== 'token' };
  } catch (error) {
    if (error instanceof Refusal) return answered(error.answer);
    parts.onError(error, record);
    return answered(new Refusal(500, 'The sandbox itself failed.').answer);
  } finally {
    processing?.drop();
  }
}

function answered(answer: Answer): Decision & { readonly delivery: { readonly kind: 'answer' } } {
  return { ...UNTOUCHED, delivery: { kind: 'answer', answer } };
}

function addressIn(params: Incoming['params']): AddressRef | undefined {
  const { facilityId, doctorId, addressId } = params;
  if (facilityId === undefined || doctorId === undefined || addressId === undefined) return undefined;
  return { facilityId, doctorId, addressId };
}

/** Of a token request only what is no secret. */
function loggedBody(text: string, form: URLSearchParams | undefined): unknown {
  if (text === '') return undefined;
  if (form !== undefined) return { grant_type: form.get('grant_type'), scope: form.get('scope') };
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
