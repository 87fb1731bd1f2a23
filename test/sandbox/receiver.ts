// A client's push endpoint: an HTTP server on loopback that records its requests and responds, hangs or cuts as configured.
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from '@jest/globals';
import type { Client, DeliveryRecord, Sandbox } from '../../src/sandbox/index.js';

export interface Received {
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: ReturnType<typeof JSON.parse>;
}

/** A status, a response, no response, or a cut connection. */
export type Reaction =
  | number
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly text?: string;
    }
  | 'hang'
  | 'cut'
  | 'cut-in-body';

export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** The names of the notifications, in order of arrival. */
  readonly names: readonly string[];
  /** Resolves when `count` notifications have arrived. */
  arrived(count: number): Promise<void>;
  /** Sets the reaction to further requests, which may be computed asynchronously; the default is 200. */
  react(reaction: Reaction | ((body: Received['body']) => Reaction | Promise<Reaction>)): void;
  /** The count of open connections. */
  connections(): Promise<number>;
}

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const arrivals = new EventEmitter();
  let decide: (body: Received['body']) => Reaction | Promise<Reaction> = () => 200;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    received.push({ method: request.method, headers: request.headers, body });
    arrivals.emit('arrival');
    const reaction = await decide(body);
    if (reaction === 'hang') return;
    if (reaction === 'cut') return response.destroy();
    if (reaction === 'cut-in-body') {
      response.writeHead(200, { 'content-length': '100' }).write('x');
      return setImmediate(() => response.destroy());
    }
    const {
      status,
      headers = {},
      text = '',
    } = typeof reaction === 'number' ? { status: reaction } : reaction;
    return response.writeHead(status, headers).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    get names() {
      return received.map(({ body }) => body.name);
    },
    arrived: async (count) => {
      while (received.length < count) await once(arrivals, 'arrival');
    },
    react: (reaction) => {
      decide = typeof reaction === 'function' ? reaction : () => reaction;
    },
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
      }),
  };
}

type PushInput = NonNullable<Client['push']>;

/** The client `clinic` with the receiver as its push endpoint. */
export function pushed(
  { url }: Receiver,
  push: Partial<PushInput> = {},
  more: Partial<Client> = {},
): readonly Client[] {
  return [{ id: 'clinic', secret: 's3cret', notifications: 'push', push: { url, ...push }, ...more }];
}

/** Resolves with the delivery log when `count` attempts have ended. */
export async function ended(sandbox: Sandbox, count: number): Promise<readonly DeliveryRecord[]> {
  while (sandbox.deliveries.filter(({ endedAt }) => endedAt !== undefined).length < count) {
    await once(sandbox, 'delivery');
  }
  return sandbox.deliveries;
}

/** Resolves after the pending microtasks and I/O callbacks. */
export async function turn(): Promise<void> {
  await new Promise(setImmediate);
}
