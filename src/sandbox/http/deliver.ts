// Puts an answer on the wire, or does not: cut, slow and unanswered connections are made here and nowhere else.
import type { ServerResponse } from 'node:http';
import type { Timers } from '../timers.js';
import { type Answer, SUCCESS_TYPE } from './answer.js';

export type Delivery =
  | { readonly kind: 'answer'; readonly answer: Answer; readonly slow?: Slow }
  | { readonly kind: 'cut' }
  | { readonly kind: 'hang' };

/** A body over so many real milliseconds, or less when it is let go. */
export interface Slow {
  readonly ms: number;
  readonly letGo: AbortSignal;
}

const SLOW_PIECES = 10;

/** Resolves with the status that was sent, or undefined when none was. `stop` ends what is slow or unanswered. */
export async function deliver(
  delivery: Delivery,
  response: ServerResponse,
  stop: AbortSignal,
  timers: Timers,
): Promise<number | undefined> {
  if (response.destroyed) return undefined;
  switch (delivery.kind) {
    case 'cut':
      response.destroy();
      return undefined;
    case 'hang':
      await closed(response, stop);
      return undefined;
    case 'answer':
      if (delivery.slow === undefined) send(delivery.answer, response);
      else await sendSlowly(delivery.answer, delivery.slow, response, stop, timers);
      return delivery.answer.status;
  }
}

function begin(answer: Answer, response: ServerResponse): string {
  const body = bodyOf(answer);
  const type = 'html' in answer ? 'text/html; charset=UTF-8' : SUCCESS_TYPE;
  const headers = {
    ...(body === '' ? {} : { 'content-type': type }),
    // A 204 has no body and so no length.
    ...(answer.status === 204 ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    ...answer.headers,
  };
  response.writeHead(answer.status, headers);
  return body;
}

function send(answer: Answer, response: ServerResponse): void {
  response.end(begin(answer, response));
}

async function sendSlowly(
  answer: Answer,
  { ms, letGo }: Slow,
  response: ServerResponse,
  stop: AbortSignal,
  timers: Timers,
): Promise<void> {
  const body = Buffer.from(begin(answer, response));
  response.flushHeaders();
  const size = Math.max(1, Math.ceil(body.length / SLOW_PIECES));
  for (let sent = 0; sent < body.length && !response.destroyed; sent += size) {
    if (!(await pause(timers, ms / SLOW_PIECES, letGo, stop))) break;
    response.write(body.subarray(sent, sent + size));
  }
  if (stop.aborted) response.destroy();
  else response.end();
}

/** Waits real milliseconds, or until it is let go. False when `stop` came first. */
export async function pause(
  timers: Timers,
  ms: number,
  letGo: AbortSignal,
  stop: AbortSignal,
): Promise<boolean> {
  const signal = AbortSignal.any([letGo, stop]);
  if (ms > 0 && !signal.aborted) await timers.sleep(ms, signal);
  return !stop.aborted;
}

function closed(response: ServerResponse, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      stop.removeEventListener('abort', end);
      response.destroy();
      resolve();
    };
    if (stop.aborted) end();
    stop.addEventListener('abort', end);
    response.once('close', end);
  });
}

function bodyOf(answer: Answer): string {
  if ('html' in answer) return answer.html;
  return answer.body === undefined ? '' : JSON.stringify(answer.body);
}
