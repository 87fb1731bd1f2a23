/** Opens an engine's embedded database, which logs to the engine's log. */

import { type EmbeddedDatabase, openEmbeddedDatabase } from '../db/embedded.js';
import type { Logger } from '../lib/log.js';

export interface EmbeddedOfEngine {
  /** Its folder. */
  readonly data: string;
  readonly log: Logger;
  readonly onProgress?: ((message: string) => void) | undefined;
  readonly onDatabaseLost: (error: Error) => void;
}

export async function openEmbeddedOf(options: EmbeddedOfEngine): Promise<EmbeddedDatabase> {
  const { data, log, onProgress, onDatabaseLost } = options;
  return await openEmbeddedDatabase({
    folder: data,
    ...(onProgress === undefined ? {} : { onProgress }),
    onLost: onDatabaseLost,
    onSpaceChange: (isShort, freeMb) => {
      if (isShort) log.error({ freeMb }, 'the disk is nearly full; new data is refused');
      else log.info({ freeMb }, 'the disk has space again; new data is accepted');
    },
  });
}
