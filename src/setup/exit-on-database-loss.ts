/** The default handler of a lost embedded database: the process exits, because nothing works without the database. */
import type { Logger } from '../lib/log.js';

export function exitOnDatabaseLoss(log: Logger): (error: Error) => void {
  return (error) => {
    log.fatal({ err: error }, 'the embedded database has stopped; the process exits');
    process.exit(1);
  };
}
