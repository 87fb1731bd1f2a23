/** What is held for a person, in one list, to be done after all or forgotten. */

import type { Resolved } from '../api/failures-api.js';
import type { HeldChangesApi, HeldItem } from '../api/held-changes-api.js';
import { approveHeldChange } from '../clinic/snapshots/approve-held-change.js';
import { HIGHEST_PRIORITY, LOWEST_PRIORITY } from '../core/index.js';
import type { Db } from '../db/schema.js';
import { putCalendarInTransaction } from '../db/tables/calendars.js';
import { findFormerAddresses } from '../db/tables/closing-calendars.js';
import { deleteHeldChange, findHeldChanges, type HeldChange } from '../db/tables/held-changes.js';

export interface DeletionGuardOptions {
  readonly db: Db;
  readonly enqueue: (calendar: string, priority: number) => Promise<void>;
  readonly now: () => number;
}

export class HeldChanges implements HeldChangesApi {
  readonly #options: DeletionGuardOptions;

  constructor(options: DeletionGuardOptions) {
    this.#options = options;
  }

  async list(): Promise<HeldItem[]> {
    return (await findHeldChanges(this.#options.db)).map(toItem);
  }

  async settle(verb: 'release' | 'drop', ids: readonly string[]): Promise<Resolved> {
    const unknown: string[] = [];
    for (const id of ids) {
      const isId = /^\d{1,18}$/.test(id);
      const found = isId && (verb === 'release' ? await this.#release(id) : await this.#drop(id));
      if (!found) unknown.push(id);
    }
    return { done: ids.length - unknown.length, unknown };
  }

  async #release(id: string): Promise<boolean> {
    const { db, enqueue, now } = this.#options;
    const [hold] = await findHeldChanges(db, id);
    if (hold?.configured !== undefined) {
      const { configured } = hold;
      await db.transaction().execute(async (tx) => {
        await putCalendarInTransaction(tx, configured, new Date(now()));
        await deleteHeldChange(tx, id);
      });
      await enqueue(hold.calendar, LOWEST_PRIORITY);
      for (const former of await findFormerAddresses(db, hold.calendar))
        await enqueue(former, HIGHEST_PRIORITY);
      return true;
    }
    const released = await approveHeldChange(db, id, now());
    await Promise.all(
      (released?.jobsToEnqueue ?? []).map(({ calendar, priority }) => enqueue(calendar, priority)),
    );
    return released !== undefined;
  }

  async #drop(id: string): Promise<boolean> {
    return await deleteHeldChange(this.#options.db, id);
  }
}

const toItem = ({
  id,
  calendar,
  cause,
  from,
  to,
  observedAt,
  heldAt,
  deletions,
  dates,
  releases,
}: HeldChange): HeldItem => ({
  id,
  calendar,
  cause,
  from,
  to,
  observedAt: observedAt.toISOString(),
  heldAt: heldAt.toISOString(),
  deletions,
  dates: dates.map(({ date }) => date),
  releases: releases.length,
});
