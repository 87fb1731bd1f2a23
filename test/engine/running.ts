// An engine and the sandbox that it publishes to, for tests; both stop at the end of the test file at the latest.

import { accountSchema, calendarSchema, toAccount, toCalendar } from '../../src/config/schema.js';
import { Slotkeeper, type SlotkeeperOptions } from '../../src/engine.js';
import { createLog } from '../../src/lib/log.js';
import { type RequestRecord, Sandbox, type SandboxOptions } from '../../src/sandbox/index.js';
import { deleteAllRows } from '../db/databases.js';
import { eventually } from '../support/eventually.js';
import { atEndOfFile, atEndOfTest } from '../support/release.js';
import { keyed, type Place } from './backends.js';
import { ACCOUNT, accountConfig, CALENDAR, calendarConfig, WEEK_BEFORE } from './founding-example.js';

/** A sandbox whose clock is a week before the founding example, unless configured otherwise. */
export async function startMarketplace(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = new Sandbox({ now: () => WEEK_BEFORE, ...options });
  // The engine of the file may still have an active request.
  atEndOfFile(() => sandbox.stop());
  await sandbox.start();
  return sandbox;
}

/** An engine that publishes without debounce, with the same clock, without accounts. */
export async function startEngine(
  place: Place,
  options: Partial<SlotkeeperOptions> = {},
): Promise<Slotkeeper> {
  const engine = new Slotkeeper({
    ...keyed(place),
    log: createLog('fatal'),
    now: () => WEEK_BEFORE,
    ...options,
    config: { ...options.config, publish: { debounceMs: 0, ...options.config?.publish } },
  });
  atEndOfTest(() => engine.stop());
  await engine.start();
  return engine;
}

/**
 * The first day of the clinic of the founding example: an empty record, but for its account and calendar, and a new
 * marketplace. For another test on the same engine.
 */
export async function openClinic(engine: Slotkeeper, options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startMarketplace(options);
  await deleteAllRows(engine.db);
  await engine.putAccount(toAccount(ACCOUNT, accountSchema.parse(withoutId(accountConfig(sandbox.url)))));
  await engine.putCalendar(toCalendar(CALENDAR, calendarSchema.parse(withoutId(calendarConfig))));
  return sandbox;
}

const withoutId = <T extends { id: string }>({ id: _, ...rest }: T): Omit<T, 'id'> => rest;

export const writesTo = (sandbox: Sandbox): readonly RequestRecord[] =>
  sandbox.requests.filter(({ operation }) => operation === 'replaceSlots' || operation === 'deleteSlots');

/** Waits until everything is published. */
export async function settled(engine: Slotkeeper): Promise<void> {
  await eventually(async () => (await engine.status()).pending === 0);
}

/** The fields of a request that tests compare; the other fields are the sandbox's own. */
export const sent = ({ method, path, body }: RequestRecord) => ({ method, path, body });
