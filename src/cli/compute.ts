/** `slotkeeper compute`: the library call, JSON in and JSON out. */
import { Command } from 'commander';
import { type ComputeInput, computeSlotConfigs } from '../core/index.js';
import { parseJson, readInput } from './read-input.js';

export function computeCommand(): Command {
  return new Command('compute')
    .description('compute slot configurations from windows and busy intervals (JSON in, JSON out)')
    .argument('[file]', 'a file, or - for stdin', '-')
    .action(async (file: string) => {
      // The core checks everything itself, and names the path of what is wrong.
      const input = parseJson(await readInput(file), file === '-' ? 'stdin' : file) as ComputeInput;
      process.stdout.write(`${JSON.stringify(computeSlotConfigs(input), undefined, 2)}\n`);
    });
}
