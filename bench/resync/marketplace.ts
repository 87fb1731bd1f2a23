/** The marketplace in a process of its own, so that its work is none of what is measured. It has no limits. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Sandbox } from 'slotkeeper/sandbox';

/** How often each operation was asked for. */
export type Operations = Readonly<Record<string, number>>;

type Told = { readonly url: string } | { readonly operations: Operations };

export class Marketplace {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** @param latencyMs how long it takes for an answer; default no longer than it needs */
  static async start(timeZone: string, latencyMs = 0): Promise<Marketplace> {
    const child = fork(fileURLToPath(import.meta.url), ['marketplace', timeZone, String(latencyMs)]);
    const told = await answerOf(child);
    if (!('url' in told)) throw new Error('the marketplace did not say where it is');
    return new Marketplace(child, told.url);
  }

  /** Since it was last asked. */
  async operations(): Promise<Operations> {
    const told = answerOf(this.#child);
    this.#child.send('operations');
    const answer = await told;
    return 'operations' in answer ? answer.operations : {};
  }

  stop(): void {
    this.#child.kill();
  }
}

async function answerOf(child: ChildProcess): Promise<Told> {
  return await new Promise<Told>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Told));
    child.once('exit', (code) => reject(new Error(`the marketplace ended with ${code}`)));
  });
}

async function serve(timeZone: string, latencyMs: number, tell: (told: Told) => void): Promise<void> {
  const sandbox = new Sandbox({
    timeZone,
    keepRequests: 1,
    limits: { writesPerMinute: null, writesPerHour: null, requestsPerHour: null },
  });
  if (latencyMs > 0) sandbox.faults.set([{ fault: { kind: 'latency', ms: latencyMs } }]);
  let counts: Record<string, number> = {};
  sandbox.on('request', ({ operation }) => {
    counts[operation] = (counts[operation] ?? 0) + 1;
  });
  process.on('message', () => {
    tell({ operations: counts });
    counts = {};
  });
  process.on('disconnect', () => process.exit());
  tell({ url: await sandbox.start() });
}

const [, , what, timeZone, latencyMs] = process.argv;
if (what === 'marketplace' && timeZone !== undefined && process.send !== undefined) {
  await serve(timeZone, Number(latencyMs), (told) => process.send?.(told));
}
