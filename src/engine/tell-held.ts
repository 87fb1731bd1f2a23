/** The clinic hears of what is held, as an item of its own: somebody has to decide. It is about no person. */
import type { OnHeld } from '../intake/snapshot/hold.js';
import type { Sealer } from '../privacy/sealer.js';
import { getCalendar } from '../store/calendars.js';
import { type AddedNotification, addNotifications } from '../store/notifications.js';

export interface TellHeldOptions {
  /** Without a key nothing can be kept; the status and the log say it all the same. */
  readonly sealer: Sealer;
  readonly now: () => number;
  /** Told besides, in the same transaction. */
  readonly also: OnHeld | undefined;
  /** What was added, to be brought out once it is committed. */
  readonly added: AddedNotification[];
}

export function tellingHeld({ sealer, now, also, added }: TellHeldOptions): OnHeld {
  return async (tx, hold, isAgain) => {
    await also?.(tx, hold, isAgain);
    const calendar = await getCalendar(tx, hold.calendar);
    if (calendar === undefined || !sealer.hasKey) return;
    const { id, cause, from, to, losses, releases } = hold;
    const item = {
      account: calendar.account,
      calendar: calendar.id,
      name: 'held',
      hash: `held ${id}`,
      createdAt: null,
      source: 'engine',
      data: {
        hold: id,
        cause,
        from,
        to,
        losses,
        dates: hold.dates.map(({ date }) => date),
        releases: releases.length,
      },
    } as const;
    added.push(...(await addNotifications(tx, sealer, [item], new Date(now()))).added);
  };
}
