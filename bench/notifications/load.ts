/** Asks over HTTP as a marketplace does: so many at a time, or so many a second. */
import { Agent, request } from 'node:http';

export interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export class Load {
  readonly #target: Target;
  readonly #agent: Agent;
  /** Milliseconds, of all that was answered. */
  readonly samples: number[] = [];
  readonly statuses = new Map<number, number>();
  milliseconds = 0;

  constructor(target: Target, sockets: number) {
    this.#target = target;
    this.#agent = new Agent({ keepAlive: true, maxSockets: sockets });
  }

  /** This many wait for an answer at any time. */
  async atOnce(concurrency: number, forMs: number, body: () => string): Promise<void> {
    const begun = performance.now();
    const until = begun + forMs;
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        while (performance.now() < until) await this.#post(body());
      }),
    );
    this.milliseconds += performance.now() - begun;
  }

  /** One after each pause, whether those before were answered or not; a late one counts from when it was due. */
  async everyMs(pauseMs: number, forMs: number, body: () => string): Promise<void> {
    const begun = performance.now();
    const asked: Promise<void>[] = [];
    for (let n = 0; n * pauseMs < forMs; n += 1) {
      const due = begun + n * pauseMs;
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      asked.push(this.#post(body(), due));
    }
    await Promise.all(asked);
    this.milliseconds += performance.now() - begun;
  }

  /** Begins anew: what came before was to warm up. */
  forget(): void {
    this.samples.length = 0;
    this.statuses.clear();
    this.milliseconds = 0;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #post(body: string, from = performance.now()): Promise<void> {
    const { url, headers } = this.#target;
    const status = await new Promise<number>((resolve, reject) => {
      const length = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const options = { method: 'POST', agent: this.#agent, headers: { ...headers, ...length } };
      request(url, options, (response) => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0));
      })
        .once('error', reject)
        .end(body);
    });
    this.samples.push(performance.now() - from);
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
  }
}
