/** What every command that meets the engine reads first: the environment, and where to log. The file is read by who needs it. */
import { resolve } from 'node:path';
import { Option } from 'commander';
import { readEnvironment, type Settings } from '../config/environment.js';
import { createLog, type Logger } from '../lib/log.js';
import { showsColours } from './colours.js';
import type { Io } from './io.js';

/** The embedded database without a folder. */
const IN_MEMORY = 'memory://';

export interface CommandSettings {
  readonly settings: Settings;
  readonly log: Logger;
}

export function readSettings({ env, cwd, stderr }: Io): CommandSettings {
  const settings = readEnvironment(env);
  const { SLOTKEEPER_DATA: data, LOG_LEVEL } = settings;
  const folder = data === IN_MEMORY ? data : resolve(cwd, data);
  const log = createLog(LOG_LEVEL, stderr, {
    readable: stderr.isTTY === true,
    colour: showsColours({ stdout: stderr, env }),
  });
  return { settings: { ...settings, SLOTKEEPER_DATA: folder }, log };
}

/** `--config`, as every command has it that reads the file. */
export const configOption = (): Option =>
  new Option('--config <file>', 'the configuration (default: SLOTKEEPER_CONFIG, else slotkeeper.yaml)');
