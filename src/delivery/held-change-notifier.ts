/** Notifies the clinic of a held change, because a person has to decide. The notification contains no patient data. */
import type { OnHeld } from '../clinic/snapshots/hold-change.js';
import type { Encryptor } from '../crypto/encryptor.js';
import { getCalendar } from '../db/tables/calendars.js';
import { type HeldChange, heldChangeHash } from '../db/tables/held-changes.js';
import {
  type AddedNotification,
  addNotifications,
  type NewNotification,
} from '../db/tables/notifications.js';

export interface HeldChangeNotifierOptions {
  readonly encryptor: Encryptor;
  readonly now: () => number;
  /** Called as well, in the same transaction. */
  readonly also: OnHeld | undefined;
  /** Receives the added notifications, which the caller enqueues after the commit. */
  readonly added: AddedNotification[];
}

export function createHeldChangeNotifier({ encryptor, now, also, added }: HeldChangeNotifierOptions): OnHeld {
  return async (tx, hold, isAgain) => {
    await also?.(tx, hold, isAgain);
    const calendar = await getCalendar(tx, hold.calendar);
    if (calendar === undefined) return;
    const item = notificationOf(hold, calendar.account);
    added.push(...(await addNotifications(tx, encryptor, [item], new Date(now()))).added);
  };
}

function notificationOf(
  { id, calendar, cause, from, to, deletions, dates, releases }: HeldChange,
  account: string,
): NewNotification {
  return {
    account,
    calendar,
    name: 'held',
    hash: heldChangeHash(id),
    createdAt: null,
    source: 'engine',
    data: {
      hold: id,
      cause,
      from,
      to,
      losses: deletions,
      dates: dates.map(({ date }) => date),
      releases: releases.length,
    },
  };
}
