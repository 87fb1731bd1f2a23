// A clinic's webhook on a real socket. It verifies every signature with the library that a clinic uses, stores the requests that it
// receives, and answers as a test requires.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Webhook } from 'standardwebhooks';
import type { NotificationItem } from '../../src/db/tables/notifications.js';
import { atEndOfTest } from '../support/release.js';

export const SECRET = `whsec_${Buffer.from('a secret of the clinic and of us').toString('base64')}`;

export interface ReceivedRequest {
  /** The header `webhook-id`. */
  readonly id: string;
  readonly item: NotificationItem;
  readonly headers: IncomingMessage['headers'];
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Answers one delivery; `undefined` closes the connection without an answer. */
export type Answer = (request: ReceivedRequest) => Reply | undefined | Promise<Reply | undefined>;

interface Signed {
  readonly 'webhook-id': string;
  readonly 'webhook-timestamp': string;
  readonly 'webhook-signature': string;
}

/** The tolerance of the library. */
const TOLERANCE_MS = 5 * 60_000;

export class Receiver {
  /** The requests with a valid signature, in order. */
  readonly received: ReceivedRequest[] = [];
  /** The reasons of refused requests. */
  readonly refused: string[] = [];
  answer: Answer = () => ({ status: 204 });
  /** The receiver's clock, in epoch milliseconds: it refuses what was signed minutes ago, or in the future. */
  now: () => number = Date.now;
  #url = '';
  readonly #secret: string;
  readonly #server = createServer((request, response) => void this.#receive(request, response));

  constructor(secret: string = SECRET) {
    this.#secret = secret;
  }

  static async start(secret?: string): Promise<Receiver> {
    const receiver = new Receiver(secret);
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    const address = receiver.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the receiver has no port');
    receiver.#url = `http://127.0.0.1:${address.port}/hooks/slotkeeper`;
    atEndOfTest(() => receiver.stop());
    return receiver;
  }

  get url(): string {
    return this.#url;
  }

  get ids(): string[] {
    return this.received.map(({ id }) => id);
  }

  /** The ids of a calendar's notifications, in the order of receipt. */
  idsOf(calendar: string | null): string[] {
    return this.received.filter(({ item }) => item.calendar === calendar).map(({ id }) => id);
  }

  /** Restores the state after the start. */
  reset(): void {
    this.received.length = 0;
    this.refused.length = 0;
    this.answer = () => ({ status: 204 });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const { headers } = request;
    const text = (name: string): string => String(headers[name] ?? '');
    const signed = {
      'webhook-id': text('webhook-id'),
      'webhook-timestamp': text('webhook-timestamp'),
      'webhook-signature': text('webhook-signature'),
    };
    let item: NotificationItem;
    try {
      item = this.#verify(Buffer.concat(chunks).toString(), signed);
    } catch (error) {
      this.refused.push(String(error));
      response.writeHead(401).end();
      return;
    }
    const delivery: ReceivedRequest = { id: signed['webhook-id'], item, headers };
    this.received.push(delivery);
    const reply = await this.answer(delivery);
    if (reply === undefined) request.socket.destroy();
    else response.writeHead(reply.status, reply.headers).end(reply.body);
  }

  #verify(body: string, headers: Signed): NotificationItem {
    const webhook = new Webhook(this.#secret);
    if (this.now === Date.now) return webhook.verify(body, { ...headers }) as NotificationItem;
    // The library reads this machine's clock only, so another clock is compared here.
    const at = new Date(Number(headers['webhook-timestamp']) * 1_000);
    if (Math.abs(this.now() - at.getTime()) > TOLERANCE_MS) throw new Error('signed at another time');
    if (webhook.sign(headers['webhook-id'], at, body) !== headers['webhook-signature'])
      throw new Error('No matching signature found');
    return JSON.parse(body) as NotificationItem;
  }
}
