/** Limits of connections: how long a request may take to arrive, and how long a client may delay the server's stop. */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { MINUTE } from '../core/duration.js';
import type { Timers } from '../lib/timers.js';
import type { Server } from './types.js';

/** The limit of a whole request with its headers and body, in milliseconds. */
export const RECEIVE_MS = MINUTE;
/** The limit of active requests when the server stops, in milliseconds. */
const GRACE_MS = 8_000;

/** Fastify's options. @param receiveMs the limit of a whole request */
export const receiveTimeouts = (receiveMs: number) => ({
  requestTimeout: receiveMs,
  http: { headersTimeout: receiveMs, connectionsCheckingInterval: Math.min(1_000, receiveMs) },
  clientErrorHandler: respondToClientError,
});

/** Whether the connection ended before the whole request arrived, so that nobody reads a response. */
export const isCutOff = ({ destroyed, complete }: IncomingMessage): boolean => destroyed && !complete;

/** Headers of every response: proxies and browsers neither store it nor guess its content type. */
export const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/** Closes each connection after a response while the server stops, and destroys those that are open after the grace period. */
export function closeConnectionsOnStop(app: Server, timers: Timers): void {
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

/** Responds to malformed HTTP and to requests that do not arrive in time, which reach no route. */
function respondToClientError(error: Error & { readonly code?: string }, socket: Socket): void {
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
