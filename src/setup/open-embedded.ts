/** An engine's embedded database: what it has to say goes to the engine's log. */

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
      if (isShort) log.error({ freeMb }, 'the disk is nearly full; nothing more is taken in');
      else log.info({ freeMb }, 'the disk has room again; what comes is taken in');
    },
  });
}
