/**
 * The marketplace's push endpoint: `POST /v1/accounts/{id}/notifications`. It requires the account's own key, not the API key, in a
 * configurable header, and, where the account has a list of senders, an allowed address. Contract: Notifications.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv4 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ownId } from '../../config/schema.js';
import type { Account } from '../../db/tables/accounts.js';
import type { Slotkeeper } from '../../engine.js';
import { isSameSecret } from '../auth.js';
import { ProblemError } from '../problem.js';
import type { Server } from '../types.js';
import type { WrongKeys } from '../wrong-keys.js';

const params = z.object({ id: ownId });
/** Compared for an unknown account, so that the response takes the same time. */
const PLACEHOLDER_KEY = randomBytes(32).toString('base64');

export const pushRoutes = (server: Server, engine: Slotkeeper, wrongKeys: WrongKeys): void => {
  // Every content type is accepted, because a body that cannot be parsed is stored as it was received.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', async ({ raw }: FastifyRequest, body: IncomingMessage) =>
    readBody(body, authenticated.get(raw)?.notifications.maxBytes ?? 0),
  );
  const authenticated = new WeakMap<FastifyRequest['raw'], Account>();

  server.route({
    method: 'POST',
    url: '/accounts/:id/notifications',
    // The key is checked before the body is read.
    onRequest: async (request) => {
      const { raw, ip, headers } = request;
      const { data } = params.safeParse(request.params);
      const account = data && (await engine.recentAccount(data.id));
      const isAuthenticated = hasKey(account, request);
      if (account === undefined || !isAuthenticated) {
        await wrongKeys.refuse('push', ip, account?.id);
        throw unauthorized();
      }
      refuseAddress(account, request);
      const { maxBytes } = account.notifications;
      if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
      authenticated.set(raw, account);
      // Fastify would refuse a malformed content type.
      raw.headers['content-type'] = 'application/octet-stream';
    },
    handler: async ({ raw, body }, reply) => {
      const account = authenticated.get(raw);
      if (account === undefined) throw unauthorized();
      const pushed = await engine.receivePush(account, Buffer.isBuffer(body) ? body : Buffer.alloc(0));
      if (pushed.kind === 'stored' || pushed.answer.approved) return reply.code(200).send({});
      return reply.code(409).send({ error_code: pushed.answer.errorCode });
    },
  });
};

/** The same response for an unknown account, so that it does not reveal which accounts exist. */
const unauthorized = (): ProblemError =>
  new ProblemError({
    status: 401,
    title: 'Unauthorized',
    detail: 'the account or its key is wrong: send the key in the header that is configured for the account',
  });

const tooLarge = (bytes: number): ProblemError =>
  new ProblemError({
    status: 413,
    title: 'Content too large',
    detail: `a notification may have ${bytes} bytes at most`,
  });

/** @throws {ProblemError} 413 where the body is larger than `maxBytes` */
async function readBody(body: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Destroying the body would destroy the connection before the response.
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Whether the request has the account's key. An account without a key requires a list of senders; without both, all are refused. */
function hasKey(account: Account | undefined, { ip, headers }: FastifyRequest): boolean {
  const { apiKey, allowFrom, header = 'X-Api-Key' } = account?.notifications ?? {};
  const sent = headers[header.toLowerCase()];
  const isSame = isSameSecret(typeof sent === 'string' ? sent : '', apiKey ?? PLACEHOLDER_KEY);
  if (apiKey !== undefined) return isSame;
  return allowFrom !== undefined && isAllowed(allowFrom, ip);
}

/** @throws {ProblemError} 403 where the sender's address is not in the account's list */
function refuseAddress({ id, notifications: { allowFrom } }: Account, { ip, log }: FastifyRequest): void {
  if (allowFrom === undefined || isAllowed(allowFrom, ip)) return;
  log.warn({ account: id, from: ip }, 'the sender of a push is not in allowFrom; the push is refused');
  throw new ProblemError({ status: 403, title: 'Forbidden', detail: 'the sender is not allowed' });
}

function isAllowed(allowed: readonly string[], address: string): boolean {
  const list = new BlockList();
  for (const entry of allowed) {
    const [net = '', bits] = entry.split('/');
    const family = isIPv4(net) ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(net, family);
    else list.addSubnet(net, Number(bits), family);
  }
  // A socket that listens on IPv6 reports an IPv4 sender as a mapped address.
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  return list.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
}
