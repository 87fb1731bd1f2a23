/**
 * On PostgreSQL, BullMQ puts a job that comes back from a worker (one that died, or that was told to stop) behind
 * all others; on Redis it is the next one. Events without a version mean what their order says, so here it keeps its
 * place, too: a trigger on BullMQ's table leaves the number by which jobs are ordered as it was.
 */
import { OCCUPANCY_QUEUE } from './queue-names.js';

const NAME = 'slotkeeper_keeps_place';

const statement = `
  DO $do$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = '${NAME}' AND tgrelid = 'job'::regclass) THEN
      RETURN;
    END IF;
    CREATE OR REPLACE FUNCTION ${NAME}() RETURNS trigger LANGUAGE plpgsql AS $function$
    BEGIN
      NEW.seq := OLD.seq;
      RETURN NEW;
    END $function$;
    CREATE TRIGGER ${NAME} BEFORE UPDATE ON job FOR EACH ROW
      WHEN (OLD.queue = '${OCCUPANCY_QUEUE}' AND OLD.state = 'active' AND NEW.state = 'waiting')
      EXECUTE FUNCTION ${NAME}();
  END $do$`;

export interface Session {
  query(statement: string): Promise<unknown>;
}

/** One process at a time. @param client of a session whose search_path begins with BullMQ's schema, where its tables are up to date */
export async function preserveOrder(client: Session): Promise<void> {
  await client.query(statement);
}
