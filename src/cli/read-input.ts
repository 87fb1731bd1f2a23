/** Reads the input file of a command, or stdin for `-`. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { readJson } from '../lib/read-json.js';
import { UsageError } from './exit.js';
import type { Io } from './io.js';

export async function readInput(file: string, { cwd, stdin }: Io): Promise<string> {
  if (file === '-') return await text(stdin());
  try {
    return readFileSync(resolve(cwd, file), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `${file}: ${code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`}`,
    );
  }
}

/** @param source the file name for the message */
export function parseJson(json: string, source: string): unknown {
  const result = readJson(json);
  if (result.success) return result.value;
  throw new UsageError(`${source}: ${result.reason}`);
}
