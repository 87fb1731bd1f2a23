/**
 * Preserves the order of occupancy events on PostgreSQL. There BullMQ moves a job that its worker did not finish (because the
 * worker died or was stopped) behind all other jobs; on Redis the job is the next one. Events without a version are applied in
 * their order, so a trigger on BullMQ's table keeps the number by which jobs are ordered.
 */
import { OCCUPANCY_QUEUE } from './queue-names.js';

const NAME = 'slotkeeper_keeps_place';

const CREATE_TRIGGER = `
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

/** A session of a database that executes one statement at a time. */
export interface Session {
  query(statement: string): Promise<unknown>;
}

/**
 * Creates the trigger where it does not exist. Only one process at a time may do so.
 * @param client of a session whose search_path begins with BullMQ's schema, in which BullMQ's migrations have run
 */
export async function preserveOrder(client: Session): Promise<void> {
  await client.query(CREATE_TRIGGER);
}
