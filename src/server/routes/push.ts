/**
 * The marketplace's push endpoint: `POST /v1/accounts/{id}/notifications`. Not the API's key but the account's own is asked
 * for, in a header of its choice, and, where it says so, the sender's address. Contract: Notifications.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv4 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ownId } from '../../config/schema.js';
import type { Account } from '../../store/accounts.js';
import { isSameSecret } from '../auth.js';
import { notFound, ProblemError } from '../problem.js';
import type { Routes } from '../types.js';

const params = z.object({ id: ownId });
const NO_ACCOUNT = 'there is no such account';

export const pushRoutes: Routes = (server, engine) => {
  // Whatever it says that it is: it is read, or kept as it came.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', async ({ raw }: FastifyRequest, body: IncomingMessage) =>
    readBody(body, admitted.get(raw)?.notifications.maxBytes ?? 0),
  );
  const admitted = new WeakMap<FastifyRequest['raw'], Account>();

  server.route({
    method: 'POST',
    url: '/accounts/:id/notifications',
    // Before the body is read: of strangers nothing is taken.
    onRequest: async ({ params: said, raw, ip, headers, log }) => {
      const { data } = params.safeParse(said);
      const account = data && (await engine.recentAccount(data.id));
      if (account === undefined) throw notFound(NO_ACCOUNT);
      admit(account, { ip, headers, log });
      if (Number(headers['content-length'] ?? 0) > account.notifications.maxBytes) {
        throw tooLarge(account.notifications.maxBytes);
      }
      admitted.set(raw, account);
      // One that is malformed would be refused.
      raw.headers['content-type'] = 'application/octet-stream';
    },
    handler: async ({ raw, body }, reply) => {
      const account = admitted.get(raw);
      if (account === undefined) throw notFound(NO_ACCOUNT);
      const pushed = await engine.receivePush(account, Buffer.isBuffer(body) ? body : Buffer.alloc(0));
      if (pushed.kind === 'kept' || pushed.answer.approved) return reply.code(200).send({});
      return reply.code(409).send({ error_code: pushed.answer.errorCode });
    },
  });
};

const tooLarge = (bytes: number): ProblemError =>
  new ProblemError({
    status: 413,
    title: 'Content too large',
    detail: `a notification may have ${bytes} bytes at most`,
  });

/** @throws {ProblemError} where it has more than so many bytes */
async function readBody(body: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // A body that is destroyed takes the connection with it, and the answer.
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @throws {ProblemError} */
function admit(
  { id, notifications }: Account,
  request: Pick<FastifyRequest, 'ip' | 'headers' | 'log'>,
): void {
  const { apiKey, header, allowFrom } = notifications;
  if (allowFrom !== undefined && !isAllowed(allowFrom, request.ip)) {
    request.log.warn({ account: id, from: request.ip }, 'a push from an address that is not allowed');
    throw new ProblemError({ status: 403, title: 'Forbidden', detail: 'the sender is not allowed' });
  }
  const sent = request.headers[header.toLowerCase()];
  // Without a key only a list of senders tells who may; without either, nobody may.
  const isRight =
    apiKey === undefined ? allowFrom !== undefined : typeof sent === 'string' && isSameSecret(sent, apiKey);
  if (isRight) return;
  request.log.warn({ account: id }, 'a push without the right key');
  const detail = `send the account's API key in ${header}`;
  throw new ProblemError({ status: 401, title: 'Unauthorized', detail });
}

function isAllowed(allowed: readonly string[], address: string): boolean {
  const list = new BlockList();
  for (const entry of allowed) {
    const [net = '', bits] = entry.split('/');
    const family = isIPv4(net) ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(net, family);
    else list.addSubnet(net, Number(bits), family);
  }
  // An IPv4 sender at a socket that listens on IPv6.
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  return list.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
}
