// An HTTP server for the client's tests: it grants tokens, records every request and answers as configured.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { DocplannerClient, type DocplannerClientOptions } from '../../src/docplanner/index.js';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Reply = (request: SeenRequest, response: ServerResponse) => void | Promise<void>;

export interface HttpMarketplace {
  readonly baseUrl: string;
  /** Requests to the API, without those for tokens. */
  readonly seen: SeenRequest[];
  readonly tokenRequests: SeenRequest[];
  /** Answers the API's requests; by default each is a 200 with `{"_items":[]}`. */
  reply: Reply;
  /** Answers the token endpoint; by default grants token-1, token-2 and so on for an hour. */
  replyToken: Reply;
  readonly connections: () => number;
  client(options?: Partial<DocplannerClientOptions>): DocplannerClient;
  /** Ends every connection and refuses new ones. */
  stopListening(): Promise<void>;
  close(): Promise<void>;
}

export const address = { facilityId: '456', doctorId: '9876', addressId: '789' };

export const json = (status: number, body: unknown, headers: Record<string, string> = {}): Reply => {
  return (_request, response) => {
    const type = status < 400 ? 'application/vnd.docplanner+json' : 'application/vnd.error+docplanner+json';
    response.writeHead(status, { 'content-type': `${type}; charset=UTF-8`, ...headers });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  };
};

export const page = (status: number): Reply => {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' });
    response.end('<!doctype html><title>Are you a robot?</title>');
  };
};

/** Answers with the replies in order and repeats the last one. */
export const inTurn = (...replies: readonly Reply[]): Reply => {
  let turn = 0;
  return (request, response) => {
    const reply = replies[Math.min(turn, replies.length - 1)];
    turn += 1;
    return reply?.(request, response);
  };
};

export async function startMarketplace(): Promise<HttpMarketplace> {
  let granted = 0;
  let connections = 0;
  const clients: DocplannerClient[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const { method = '', url = '', headers } = request;
    const seen = { method, url, headers, body };
    const isToken = url.endsWith('/oauth/v2/token');
    (isToken ? marketplace.tokenRequests : marketplace.seen).push(seen);
    await (isToken ? marketplace.replyToken : marketplace.reply)(seen, response);
  });
  // Only the client closes kept-alive connections.
  server.keepAliveTimeout = 0;
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the server has no port');
  const baseUrl = `http://127.0.0.1:${bound.port}`;

  const marketplace: HttpMarketplace = {
    baseUrl,
    seen: [],
    tokenRequests: [],
    reply: json(200, { _items: [] }),
    replyToken: (request, response) => {
      granted += 1;
      const body = { access_token: `token-${granted}`, expires_in: 3600, token_type: 'bearer', scope: null };
      return json(200, body)(request, response);
    },
    connections: () => connections,
    client: (options = {}) => {
      const client = new DocplannerClient({
        account: 'warsaw',
        baseUrl,
        clientId: 'client-id',
        clientSecret: 'the-secret',
        timeoutMs: 60_000,
        ...options,
      });
      clients.push(client);
      return client;
    },
    stopListening: async () => {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
    close: async () => {
      await marketplace.stopListening();
      await Promise.all(clients.map((client) => client.close()));
    },
  };
  return marketplace;
}

/** The error that a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`expected a rejection, got ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}
