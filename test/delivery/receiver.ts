// A clinic's webhook on a real socket: it checks every signature with the library that a clinic would use, remembers what
// it was told, and answers as a test wants.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Webhook } from 'standardwebhooks';
import type { NotificationItem } from '../../src/db/tables/notifications.js';
import { atEndOfTest } from '../support/release.js';

export const SECRET = `whsec_${Buffer.from('a secret of the clinic and of us').toString('base64')}`;

export interface Told {
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

/** Answers one delivery; `undefined` hangs up without an answer. */
export type Answer = (told: Told) => Reply | undefined | Promise<Reply | undefined>;

interface Signed {
  readonly 'webhook-id': string;
  readonly 'webhook-timestamp': string;
  readonly 'webhook-signature': string;
}

/** As in the library. */
const TOLERANCE_MS = 5 * 60_000;

export class Receiver {
  /** Everything that came with a good signature, in order. */
  readonly told: Told[] = [];
  /** Why requests were turned away. */
  readonly refused: string[] = [];
  answer: Answer = () => ({ status: 204 });
  /** Its clock, in epoch milliseconds: it takes nothing that was signed minutes ago, or in the future. */
  now: () => number = Date.now;
  #url = '';
  readonly #secret: string;
  readonly #server = createServer((request, response) => void this.#take(request, response));

  constructor(secret: string = SECRET) {
    this.#secret = secret;
  }

  static async start(secret?: string): Promise<Receiver> {
    const receiver = new Receiver(secret);
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    const address = receiver.#server.address();
    if (address === null || typeof address === 'string') throw new Error('it has no port');
    receiver.#url = `http://127.0.0.1:${address.port}/hooks/slotkeeper`;
    atEndOfTest(() => receiver.stop());
    return receiver;
  }

  get url(): string {
    return this.#url;
  }

  get ids(): string[] {
    return this.told.map(({ id }) => id);
  }

  /** The ids of what it was told of a calendar, in order. */
  idsOf(calendar: string | null): string[] {
    return this.told.filter(({ item }) => item.calendar === calendar).map(({ id }) => id);
  }

  /** As if it had just been started. */
  forget(): void {
    this.told.length = 0;
    this.refused.length = 0;
    this.answer = () => ({ status: 204 });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
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
    const told: Told = { id: signed['webhook-id'], item, headers };
    this.told.push(told);
    const reply = await this.answer(told);
    if (reply === undefined) request.socket.destroy();
    else response.writeHead(reply.status, reply.headers).end(reply.body);
  }

  #verify(body: string, headers: Signed): NotificationItem {
    const webhook = new Webhook(this.#secret);
    if (this.now === Date.now) return webhook.verify(body, { ...headers }) as NotificationItem;
    // The library knows one clock only, this machine's: by another one the time is compared here.
    const at = new Date(Number(headers['webhook-timestamp']) * 1_000);
    if (Math.abs(this.now() - at.getTime()) > TOLERANCE_MS) throw new Error('signed at another time');
    if (webhook.sign(headers['webhook-id'], at, body) !== headers['webhook-signature'])
      throw new Error('No matching signature found');
    return JSON.parse(body) as NotificationItem;
  }
}
