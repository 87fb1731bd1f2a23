/** What is held for a person, in one list, to be done after all or forgotten. */

import type { Settled } from '../api/failures-api.js';
import type { HeldItem, HoldsFace } from '../api/held-changes-api.js';
import { releaseHold } from '../clinic/snapshots/approve-held-change.js';
import { LEAST_URGENT, MOST_URGENT } from '../core/index.js';
import type { Db } from '../db/schema.js';
import { putCalendarIn } from '../db/tables/calendars.js';
import { formerAddresses } from '../db/tables/closing-calendars.js';
import { deleteHold, findHolds, type Hold } from '../db/tables/held-changes.js';

export interface HoldsOptions {
  readonly db: Db;
  readonly wake: (calendar: string, urgency: number) => Promise<void>;
  readonly now: () => number;
}

export class Holds implements HoldsFace {
  readonly #options: HoldsOptions;

  constructor(options: HoldsOptions) {
    this.#options = options;
  }

  async list(): Promise<HeldItem[]> {
    return (await findHolds(this.#options.db)).map(toItem);
  }

  async settle(verb: 'release' | 'drop', ids: readonly string[]): Promise<Settled> {
    const unknown: string[] = [];
    for (const id of ids) {
      const isId = /^\d{1,18}$/.test(id);
      const found = isId && (verb === 'release' ? await this.#release(id) : await this.#drop(id));
      if (!found) unknown.push(id);
    }
    return { done: ids.length - unknown.length, unknown };
  }

  async #release(id: string): Promise<boolean> {
    const { db, wake, now } = this.#options;
    const [hold] = await findHolds(db, id);
    if (hold?.configured !== undefined) {
      const { configured } = hold;
      await db.transaction().execute(async (tx) => {
        await putCalendarIn(tx, configured, new Date(now()));
        await deleteHold(tx, id);
      });
      await wake(hold.calendar, LEAST_URGENT);
      for (const former of await formerAddresses(db, hold.calendar)) await wake(former, MOST_URGENT);
      return true;
    }
    const released = await releaseHold(db, id, now());
    await Promise.all((released?.wakes ?? []).map(({ calendar, urgency }) => wake(calendar, urgency)));
    return released !== undefined;
  }

  async #drop(id: string): Promise<boolean> {
    return await deleteHold(this.#options.db, id);
  }
}

const toItem = ({
  id,
  calendar,
  cause,
  from,
  to,
  saidAt,
  heldAt,
  losses,
  dates,
  releases,
}: Hold): HeldItem => ({
  id,
  calendar,
  cause,
  from,
  to,
  saidAt: saidAt.toISOString(),
  heldAt: heldAt.toISOString(),
  losses,
  dates: dates.map(({ date }) => date),
  releases: releases.length,
});
