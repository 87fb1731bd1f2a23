/** What every command that meets the engine reads first: the environment, the file, and where to log. */
import { resolve } from 'node:path';
import { readEnvironment, type Settings } from '../config/environment.js';
import { loadConfig } from '../config/load.js';
import type { FileConfig } from '../config/schema.js';
import { createLog, type Logger } from '../log.js';
import type { Io } from './io.js';

/** The embedded database without a folder. */
const IN_MEMORY = 'memory://';

export interface CommandSettings {
  readonly settings: Settings;
  readonly config: FileConfig;
  readonly log: Logger;
}

/** @param file as named on the command line; else SLOTKEEPER_CONFIG, else slotkeeper.yaml where there is one */
export function readSettings({ env, cwd, stderr }: Io, file?: string): CommandSettings {
  const settings = readEnvironment(env);
  const config = loadConfig(file ?? settings.SLOTKEEPER_CONFIG, env, cwd);
  const { SLOTKEEPER_DATA: data, LOG_LEVEL } = settings;
  const folder = data === IN_MEMORY ? data : resolve(cwd, data);
  return { settings: { ...settings, SLOTKEEPER_DATA: folder }, config, log: createLog(LOG_LEVEL, stderr) };
}
