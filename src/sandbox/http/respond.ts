// Sends a response, or cuts, slows or never answers the connection. No other file does that.
import type { ServerResponse } from 'node:http';
import type { Timers } from '../timers.js';
import { type ApiResponse, SUCCESS_TYPE } from './response.js';

export type ResponseAction =
  | { readonly kind: 'answer'; readonly answer: ApiResponse; readonly slow?: SlowBody }
  | { readonly kind: 'cut' }
  | { readonly kind: 'hang' };

/** Sends a body over `ms` real milliseconds, or faster when `resume` is aborted. */
export interface SlowBody {
  readonly ms: number;
  readonly resume: AbortSignal;
}

const SLOW_CHUNKS = 10;

/** Resolves with the sent status, or undefined without one. `stop` ends slow and unanswered connections. */
export async function respond(
  delivery: ResponseAction,
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
      await waitForClose(response, stop);
      return undefined;
    case 'answer':
      if (delivery.slow === undefined) send(delivery.answer, response);
      else await sendSlowly(delivery.answer, delivery.slow, response, stop, timers);
      return delivery.answer.status;
  }
}

function writeHead(answer: ApiResponse, response: ServerResponse): string {
  const body = serializeBody(answer);
  const type = 'html' in answer ? 'text/html; charset=UTF-8' : SUCCESS_TYPE;
  const headers = {
    ...(body === '' ? {} : { 'content-type': type }),
    // A 204 has no body and no content-length.
    ...(answer.status === 204 ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    ...answer.headers,
  };
  response.writeHead(answer.status, headers);
  return body;
}

function send(answer: ApiResponse, response: ServerResponse): void {
  response.end(writeHead(answer, response));
}

async function sendSlowly(
  answer: ApiResponse,
  { ms, resume }: SlowBody,
  response: ServerResponse,
  stop: AbortSignal,
  timers: Timers,
): Promise<void> {
  const body = Buffer.from(writeHead(answer, response));
  response.flushHeaders();
  const size = Math.max(1, Math.ceil(body.length / SLOW_CHUNKS));
  for (let sent = 0; sent < body.length && !response.destroyed; sent += size) {
    if (!(await waitUnlessStopped(timers, ms / SLOW_CHUNKS, resume, stop))) break;
    response.write(body.subarray(sent, sent + size));
  }
  if (stop.aborted) response.destroy();
  else response.end();
}

/** Waits `ms` real milliseconds, or until `resume` is aborted. Resolves with false when `stop` is aborted. */
export async function waitUnlessStopped(
  timers: Timers,
  ms: number,
  resume: AbortSignal,
  stop: AbortSignal,
): Promise<boolean> {
  const signal = AbortSignal.any([resume, stop]);
  if (ms > 0 && !signal.aborted) await timers.sleep(ms, signal);
  return !stop.aborted;
}

function waitForClose(response: ServerResponse, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const close = () => {
      stop.removeEventListener('abort', close);
      response.destroy();
      resolve();
    };
    if (stop.aborted) close();
    stop.addEventListener('abort', close);
    response.once('close', close);
  });
}

function serializeBody(answer: ApiResponse): string {
  if ('html' in answer) return answer.html;
  return answer.body === undefined ? '' : JSON.stringify(answer.body);
}
