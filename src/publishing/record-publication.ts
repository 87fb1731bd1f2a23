/** Records what was published and read: the state of the days, their history, and how long their changes took. */
import type { CalendarContext } from '../context/context.js';
import { SECOND } from '../core/duration.js';
import { localDate } from '../core/index.js';
import { type Measurement, measurePublication } from '../db/tables/accuracy.js';
import { isNotifiedOf } from '../db/tables/changes-to-notify.js';
import { type PublishedDay, recordPublishedDays } from '../db/tables/days.js';
import { deleteVerifications, type Verification } from '../db/tables/verifications.js';
import type { Metrics } from '../lib/metrics.js';
import type { DayDiff, SentDay } from './diff-availability.js';
import type { Outcome } from './verification.js';

export interface Publication {
  readonly verified: boolean;
  /** Whether a read has shown the days. */
  readonly isRead: boolean;
  /** The days whose verifications are over. */
  readonly over: readonly Verification[];
}

export async function recordPublication(
  context: CalendarContext,
  days: readonly (SentDay & Pick<PublishedDay, 'generation' | 'reading'>)[],
  { verified, isRead, over }: Publication,
): Promise<void> {
  if (days.length === 0) return;
  const { db, calendar, account, history, metrics, now, delivery, ownNotifications } = context;
  const at = new Date(now());
  const published = days.map(({ date, generation, slots, reading }) => {
    return { date, generation, slots, verified, reading };
  });
  const today = localDate(now(), account.timeZone);
  const proven = { calendar: calendar.id, account: account.id, today, days: published, isRead };
  // A calendar that is about to be removed notifies nothing.
  const isNotified = calendar.closing === undefined && isNotifiedOf(account, ownNotifications, 'published');
  const [measured] = await history.commit(db, (tx) =>
    Promise.all([
      measurePublication(tx, proven, at),
      recordPublishedDays(tx, calendar, account, published, at, isNotified),
      deleteVerifications(tx, calendar.id, over),
    ]),
  );
  observe(metrics, measured);
  if (isNotified) delivery.enqueueOwn(account.id, calendar.id);
}

function observe({ publishLatency, takenOnSale }: Metrics, measured: readonly Measurement[]): void {
  for (const { measure, value } of measured) {
    const seconds = value / SECOND;
    if (measure === 'closing-written') publishLatency.observe({ direction: 'closing' }, seconds);
    if (measure === 'opening-written') publishLatency.observe({ direction: 'opening' }, seconds);
    if (measure === 'taken-on-sale') takenOnSale.inc(seconds);
  }
}

/**
 * Adds the history of a read, which the transactions that follow store.
 * @param outcomes by date; the other days were read and not judged
 * @param readAt epoch milliseconds
 */
export function addReadHistory(
  { history, calendar }: CalendarContext,
  days: readonly Verification[],
  outcomes: ReadonlyMap<string, Outcome['kind']>,
  shown: ReadonlyMap<string, DayDiff>,
  readAt: number,
): void {
  for (const { date, generation, writtenAt } of days) {
    const next = outcomes.get(date);
    if (next === undefined) continue;
    const difference = shown.get(date)?.difference;
    const facts = { generation, ms: readAt - writtenAt.getTime() };
    history.add({
      at: new Date(readAt),
      account: calendar.account,
      calendar: calendar.id,
      date,
      actor: 'engine',
      ...(next === 'agrees' || difference === undefined
        ? { kind: 'verified', detail: facts }
        : {
            kind: 'differed',
            detail: { ...facts, missing: difference.missing.length, extra: difference.extra.length, next },
          }),
    });
  }
}
