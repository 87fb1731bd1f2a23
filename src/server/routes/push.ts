/**
 * The marketplace's push endpoint: `POST /v1/accounts/{id}/notifications`. Not the API's key but the account's own is asked
 * for, in a header of its choice, and, where it says so, the sender's address. Contract: Notifications.
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
/** Compared with where there is no account, so that it takes the same time. */
const NOBODYS_KEY = randomBytes(32).toString('base64');

export const pushRoutes = (server: Server, engine: Slotkeeper, wrongKeys: WrongKeys): void => {
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
    onRequest: async (request) => {
      const { raw, ip, headers } = request;
      const { data } = params.safeParse(request.params);
      const account = data && (await engine.recentAccount(data.id));
      const isRight = isSender(account, request);
      if (account === undefined || !isRight) {
        await wrongKeys.refuse('push', ip, account?.id);
        throw unauthorized();
      }
      refuseAddress(account, request);
      const { maxBytes } = account.notifications;
      if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
      admitted.set(raw, account);
      // One that is malformed would be refused.
      raw.headers['content-type'] = 'application/octet-stream';
    },
    handler: async ({ raw, body }, reply) => {
      const account = admitted.get(raw);
      if (account === undefined) throw unauthorized();
      const pushed = await engine.receivePush(account, Buffer.isBuffer(body) ? body : Buffer.alloc(0));
      if (pushed.kind === 'stored' || pushed.answer.approved) return reply.code(200).send({});
      return reply.code(409).send({ error_code: pushed.answer.errorCode });
    },
  });
};

/** The same for an account that there is not: nobody is told which there are. */
const unauthorized = (): ProblemError =>
  new ProblemError({
    status: 401,
    title: 'Unauthorized',
    detail: 'the account or its key is not right: send the key in the header that was agreed for the account',
  });

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

/** Whether it has the account's key. Without a key only a list of senders tells who may; without either, nobody may. */
function isSender(account: Account | undefined, { ip, headers }: FastifyRequest): boolean {
  const { apiKey, allowFrom, header = 'X-Api-Key' } = account?.notifications ?? {};
  const sent = headers[header.toLowerCase()];
  const isSame = isSameSecret(typeof sent === 'string' ? sent : '', apiKey ?? NOBODYS_KEY);
  if (apiKey !== undefined) return isSame;
  return allowFrom !== undefined && isAllowed(allowFrom, ip);
}

/** @throws {ProblemError} where it has the key and comes from another address than was agreed */
function refuseAddress({ id, notifications: { allowFrom } }: Account, { ip, log }: FastifyRequest): void {
  if (allowFrom === undefined || isAllowed(allowFrom, ip)) return;
  log.warn({ account: id, from: ip }, 'a push from an address that is not allowed');
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
  // An IPv4 sender at a socket that listens on IPv6.
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  return list.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
}
