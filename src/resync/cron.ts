/** The times of a cron schedule, and each account's delay within the night. Pure. */
import { createHash } from 'node:crypto';
import { CronExpressionParser } from 'cron-parser';

/** Five or six fields; an `H`, which is another time at each parse, is refused. */
const FIELDS = /^(?!.*(^|[\s,])H)\S+(\s+\S+){4,5}$/;

/** Whether the expression is valid and has a next time. */
export function isCron(text: string): boolean {
  if (!FIELDS.test(text)) return false;
  try {
    CronExpressionParser.parse(text).next();
    return true;
  } catch {
    return false;
  }
}

/** The last time before now, in epoch milliseconds. */
export function lastTime(cron: string, timeZone: string, now: number): number {
  return CronExpressionParser.parse(cron, { tz: timeZone, currentDate: new Date(now) })
    .prev()
    .getTime();
}

/** The largest difference between the clocks of machines, and of the queue. */
const CLOCKS_MS = 30_000;

/**
 * Whether the schedule's last time has had no resync: each time has one, however often this is called.
 * @param last when the last resync was, in epoch milliseconds
 */
export function isDue(cron: string, timeZone: string, last: number, now: number): boolean {
  return last < lastTime(cron, timeZone, now + CLOCKS_MS) - CLOCKS_MS;
}

/**
 * The account's delay within the spread, in milliseconds: always the same for an account, and different between accounts.
 */
export function turnMs(account: string, spreadMs: number): number {
  const hash = createHash('sha256').update(account).digest().readUInt32BE(0);
  return Math.floor((hash / 2 ** 32) * spreadMs);
}
