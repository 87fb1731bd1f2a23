/** Limits of connections: how long a request may take to arrive, and how long a client may hold up the end of the server. */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { MINUTE } from '../core/duration.js';
import type { Timers } from '../lib/timers.js';
import type { Server } from './types.js';

/** For all of a request, its headers and its body, in milliseconds. */
export const RECEIVE_MS = MINUTE;
/** For the requests in hand when the server closes, in milliseconds. */
const GRACE_MS = 8_000;

/** What fastify is told. @param receiveMs for all of a request */
export const receivingWithin = (receiveMs: number) => ({
  requestTimeout: receiveMs,
  http: { headersTimeout: receiveMs, connectionsCheckingInterval: Math.min(1_000, receiveMs) },
  clientErrorHandler: answerUnreadable,
});

/** Whether the client went away, or was too slow, before all of its request had come: nobody reads an answer. */
export const isCutOff = ({ destroyed, complete }: IncomingMessage): boolean => destroyed && !complete;

/** On every answer: nothing of it is kept by a proxy or a browser, nor taken for something that it is not. */
export const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/**
 * A connection that is answered while the server closes is not kept open; one that is still open after the grace is
 * destroyed, whatever its client does.
 */
export function endConnectionsAtTheEnd(app: Server, timers: Timers): void {
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
    if (!app.server.listening) return;
    const closed = new AbortController();
    app.server.once('close', () => closed.abort());
    void timers.sleep(GRACE_MS, closed.signal).then(() => app.server.closeAllConnections());
  });
  app.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close');
  });
}

/** What is no HTTP, or did not arrive in time, never becomes a request. */
function answerUnreadable(error: Error & { readonly code?: string }, socket: Socket): void {
  if (socket.destroyed || error.code === 'ECONNRESET') return;
  if (socket.writable) socket.write(responseOf(statusOf(error.code)));
  socket.destroy();
}

function statusOf(code: string | undefined): number {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408;
  return code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
}

function responseOf(status: number): string {
  const title = STATUS_CODES[status] ?? 'Bad Request';
  const detail = status === 408 ? 'the request did not arrive in time' : 'the request is not HTTP';
  const body = JSON.stringify({ type: 'about:blank', status, title, detail });
  const headers = {
    'content-type': 'application/problem+json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...HEADERS,
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${title}`, ...lines, '', body].join('\r\n');
}
