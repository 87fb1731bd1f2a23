/** What every command that meets the engine reads first: the environment, the file, and where to log. */
import { readEnvironment, type Settings } from '../config/environment.js';
import { loadConfig } from '../config/load.js';
import type { FileConfig } from '../config/schema.js';
import { createLog, type Logger } from '../log.js';

export interface CommandSettings {
  readonly settings: Settings;
  readonly config: FileConfig;
  readonly log: Logger;
}

/** @param file as named on the command line; else SLOTKEEPER_CONFIG, else slotkeeper.yaml where there is one */
export function readSettings(file?: string): CommandSettings {
  const settings = readEnvironment(process.env);
  const config = loadConfig(file ?? settings.SLOTKEEPER_CONFIG, process.env);
  return { settings, config, log: createLog(settings.LOG_LEVEL) };
}
