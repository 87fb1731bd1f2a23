// A way to a server on 127.0.0.1 that can be cut as a frozen machine or a failover cuts it: nothing is closed, and nothing comes.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { atEndOfTest } from './release.js';

export class TcpProxy {
  /** Where what it leads to is reached through it. */
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isFrozen = false;

  private constructor(url: string, server: Server) {
    this.url = url;
    this.#server = server;
  }

  /** @param url of the server */
  static async start(url: string): Promise<TcpProxy> {
    const to = new URL(url);
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const here = new URL(url);
    here.port = String((server.address() as AddressInfo).port);
    const proxy = new TcpProxy(here.href, server);
    server.on('connection', (socket) => proxy.#pass(socket, connect(Number(to.port), to.hostname)));
    atEndOfTest(() => proxy.stop());
    return proxy;
  }

  /** The connections that there are bring nothing any more; new ones do. */
  swallow(): void {
    for (const socket of this.#sockets) hold(socket);
  }

  /** Nor do new ones. */
  freeze(): void {
    this.#isFrozen = true;
    this.swallow();
  }

  /** New connections work again; those that were held never will. */
  thaw(): void {
    this.#isFrozen = false;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  #pass(from: Socket, to: Socket): void {
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
    if (this.#isFrozen) this.swallow();
  }
}

function hold(socket: Socket): void {
  socket.unpipe();
  socket.pause();
}
