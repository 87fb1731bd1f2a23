/** The settings of commands that use the engine: the environment and the log. */
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

/** The option `--config` of every command that reads the configuration file. */
export const configOption = (): Option =>
  new Option('--config <file>', 'the configuration file (default: SLOTKEEPER_CONFIG, else slotkeeper.yaml)');
