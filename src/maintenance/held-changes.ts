/** Lists changes that the deletion guard holds for a person, and approves or drops them. */

import type { Resolved } from '../api/failures-api.js';
import type { HeldChangesApi, HeldItem } from '../api/held-changes-api.js';
import { approveHeldChange } from '../clinic/snapshots/approve-held-change.js';
import { HIGHEST_PRIORITY, LOWEST_PRIORITY } from '../core/index.js';
import type { Db } from '../db/schema.js';
import { putCalendarInTransaction } from '../db/tables/calendars.js';
import { findFormerAddresses } from '../db/tables/closing-calendars.js';
import {
  deleteHeldChange,
  findHeldChanges,
  type HeldChange,
  heldChangeHistory,
} from '../db/tables/held-changes.js';
import { saveHistory } from '../db/tables/history.js';
import type { PublishEnqueuer } from '../queue/publish-enqueuer.js';

export interface HeldChangesOptions {
  readonly db: Db;
  readonly enqueuer: Pick<PublishEnqueuer, 'enqueueCalendar'>;
  readonly now: () => number;
}

export class HeldChanges implements HeldChangesApi {
  readonly #options: HeldChangesOptions;

  constructor(options: HeldChangesOptions) {
    this.#options = options;
  }

  async list(): Promise<HeldItem[]> {
    return (await findHeldChanges(this.#options.db)).map(toItem);
  }

  async settle(verb: 'release' | 'drop', ids: readonly string[], actor = 'library'): Promise<Resolved> {
    const unknown: string[] = [];
    for (const id of ids) {
      const isId = /^\d{1,18}$/.test(id);
      const found =
        isId && (verb === 'release' ? await this.#approve(id, actor) : await this.#drop(id, actor));
      if (!found) unknown.push(id);
    }
    return { done: ids.length - unknown.length, unknown };
  }

  async #drop(id: string, actor: string): Promise<boolean> {
    const { db, now } = this.#options;
    return await db.transaction().execute(async (tx) => {
      const [held] = await findHeldChanges(tx, id);
      if (held === undefined || !(await deleteHeldChange(tx, id))) return false;
      await saveHistory(tx, heldChangeHistory('dropped', held, new Date(now()), actor));
      return true;
    });
  }

  async #approve(id: string, actor: string): Promise<boolean> {
    const { db, enqueuer, now } = this.#options;
    const [held] = await findHeldChanges(db, id);
    if (held?.configured !== undefined) {
      const { configured, calendar } = held;
      await db.transaction().execute(async (tx) => {
        await putCalendarInTransaction(tx, configured, new Date(now()), actor);
        await deleteHeldChange(tx, id);
        await saveHistory(tx, heldChangeHistory('approved', held, new Date(now()), actor));
      });
      await enqueuer.enqueueCalendar(calendar, LOWEST_PRIORITY);
      for (const former of await findFormerAddresses(db, calendar))
        await enqueuer.enqueueCalendar(former, HIGHEST_PRIORITY);
      return true;
    }
    const approved = await approveHeldChange(db, id, now(), actor);
    await Promise.all(
      (approved?.jobsToEnqueue ?? []).map(({ calendar, priority }) =>
        enqueuer.enqueueCalendar(calendar, priority),
      ),
    );
    return approved !== undefined;
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
  saidAt: observedAt.toISOString(),
  heldAt: heldAt.toISOString(),
  losses: deletions,
  dates: dates.map(({ date }) => date),
  releases: releases.length,
});
