import type { Logger } from '../lib/log.js';

/** Ends the process that has lost its embedded database: nothing in it works any more, and the next start goes on. */
export function endingProcess(log: Logger): (error: Error) => void {
  return (error) => {
    log.fatal({ err: error }, 'the embedded database has ended, and the process ends with it');
    process.exit(1);
  };
}
