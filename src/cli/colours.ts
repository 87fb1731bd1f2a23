/** Whether what is printed may have colours, by the customs of terminals (FORCE_COLOR, NO_COLOR, TERM). */
import { WriteStream } from 'node:tty';
import type { Io } from './io.js';

const NONE = 1;

export function showsColours({ stdout, env }: Pick<Io, 'stdout' | 'env'>): boolean {
  if (stdout.isTTY !== true && env.FORCE_COLOR === undefined) return false;
  // Node's own reading of the environment; it looks at nothing else.
  return WriteStream.prototype.getColorDepth(env) > NONE;
}
