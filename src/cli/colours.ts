/** Whether the output has colours, by the conventions of terminals (FORCE_COLOR, NO_COLOR, TERM). */
import { WriteStream } from 'node:tty';
import type { Io } from './io.js';

const NONE = 1;

export function showsColours({ stdout, env }: Pick<Io, 'stdout' | 'env'>): boolean {
  if (stdout.isTTY !== true && env.FORCE_COLOR === undefined) return false;
  // Node evaluates the environment variables, and nothing else of the stream.
  return WriteStream.prototype.getColorDepth(env) > NONE;
}
