// One command of the command line from its start to its end.
import { startSlotkeeper } from '../support/process.js';

export interface Way {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly cwd?: string;
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function run(args: readonly string[], way: Way = {}): Promise<Ran> {
  const running = await startSlotkeeper(args, way);
  const { code } = await running.exited;
  return { code, stdout: running.stdout, stderr: running.stderr };
}
