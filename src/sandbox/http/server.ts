// The sandbox's HTTP server. fastify routes and parses the requests; handleRequest responds on the raw connection, because only
// there a response can be cut, slowed or left out.
import type { AddressInfo } from 'node:net';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { operations, unknownOperation } from '../api/operations.js';
import { API_PREFIX } from '../api/paths.js';
import { handleRequest, type ServerParts } from './handle-request.js';
import type { Operation } from './operation.js';
import { ERROR_TYPE } from './response.js';

const MAX_BODY_BYTES = 32 * 1024 * 1024;

export interface RunningServer {
  readonly url: string;
  /** Cuts every connection, slow and unanswered ones included, and frees the port. */
  close(): Promise<void>;
}

export async function listen(
  parts: ServerParts,
  { port, host }: { readonly port: number; readonly host: string },
  control: (app: FastifyInstance) => void,
): Promise<RunningServer> {
  const stop = new AbortController();
  const app = fastify({
    forceCloseConnections: true,
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: 500 },
    exposeHeadRoutes: false,
  });
  await app.register(async (api) => mountApi(api, parts, stop.signal));
  await app.register(async (app) => control(app), { prefix: '/_sandbox' });
  await app.listen({ port, host });
  return {
    url: formatUrl(app.server.address(), host),
    close: async () => {
      stop.abort();
      await app.close();
    },
  };
}

function mountApi(api: FastifyInstance, parts: ServerParts, stop: AbortSignal): void {
  api.removeAllContentTypeParsers();
  api.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  api.setErrorHandler((error, _request, reply) => {
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
    const message = error instanceof Error ? error.message : 'The request cannot be parsed.';
    return reply
      .code(status)
      .header('content-type', ERROR_TYPE)
      .send(JSON.stringify({ errors: [], message }));
  });
  const serve = (operation: Operation) => (request: FastifyRequest, reply: FastifyReply) => {
    reply.hijack();
    const text = typeof request.body === 'string' ? request.body : '';
    const incoming = {
      operation,
      request: request.raw,
      response: reply.raw,
      params: stringParams(request),
      text,
      stop,
    };
    return handleRequest(parts, incoming);
  };
  for (const operation of operations) {
    api.route({ method: operation.method, url: operation.path, handler: serve(operation) });
  }
  api.all(`${API_PREFIX}/*`, serve(unknownOperation));
}

function stringParams(request: FastifyRequest): Readonly<Record<string, string>> {
  const { params } = request;
  if (typeof params !== 'object' || params === null) return {};
  return Object.fromEntries(Object.entries(params).filter((pair) => typeof pair[1] === 'string'));
}

function formatUrl(address: AddressInfo | string | null, host: string): string {
  if (address === null || typeof address === 'string') throw new Error('The sandbox listens on no TCP port.');
  const name = host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${address.port}`;
}
