/** `slotkeeper compute`: the library call, JSON in and JSON out. */
import { Command } from 'commander';
import { type ComputeInput, computeSlotConfigs } from '../core/index.js';
import { UsageError } from './exit.js';
import type { Io } from './io.js';
import { parseJson, readInput } from './read-input.js';

export function computeCommand(io: Io): Command {
  return new Command('compute')
    .description('compute slot configurations from windows and busy intervals (JSON in, JSON out)')
    .argument('[file]', 'a file, or - for stdin', '-')
    .action(async (file: string) => {
      const source = file === '-' ? 'stdin' : file;
      const input = parseJson(await readInput(file, io), source);
      if (typeof input !== 'object' || input === null || Array.isArray(input)) {
        throw new UsageError(`${source}: must be an object, the input of computeSlotConfigs`);
      }
      // The core validates the input, and reports the path of each problem.
      const days = computeSlotConfigs(input as ComputeInput);
      io.stdout.write(`${JSON.stringify(days, undefined, 2)}\n`);
    });
}
