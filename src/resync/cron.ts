/** When a schedule's time was, and where in the night an account's turn is. Pure. */
import { createHash } from 'node:crypto';
import { CronExpressionParser } from 'cron-parser';

/** Five or six fields; an `H`, which is another time whenever it is read, is none. */
const FIELDS = /^(?!.*(^|[\s,])H)\S+(\s+\S+){4,5}$/;

/** Whether it can be read, and ever comes. */
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

/** By how much the clocks of machines, and of the queue, may differ. */
const CLOCKS_MS = 30_000;

/**
 * Whether the schedule's last time has had no run: there is one for each, however often it is asked for.
 * @param last when the last run was, in epoch milliseconds
 */
export function isDue(cron: string, timeZone: string, last: number, now: number): boolean {
  return last < lastTime(cron, timeZone, now + CLOCKS_MS) - CLOCKS_MS;
}

/** After how long it is the account's turn, in milliseconds: always the same, and another for another account. */
export function turnMs(account: string, spreadMs: number): number {
  const hash = createHash('sha256').update(account).digest().readUInt32BE(0);
  return Math.floor((hash / 2 ** 32) * spreadMs);
}
