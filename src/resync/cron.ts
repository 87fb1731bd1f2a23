/** The times of a cron schedule, and each account's offset from them. Pure. */
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

/** The first time after an instant, where each time is `offsetMs` late; epoch milliseconds. */
export function nextTime(cron: string, timeZone: string, offsetMs: number, after: number): number {
  const currentDate = new Date(after - offsetMs);
  return CronExpressionParser.parse(cron, { tz: timeZone, currentDate }).next().getTime() + offsetMs;
}

/**
 * The account's offset within the spread, in milliseconds: always the same for an account, and different between accounts.
 */
export function offsetMsOf(account: string, spreadMs: number): number {
  const hash = createHash('sha256').update(account).digest().readUInt32BE(0);
  return Math.floor((hash / 2 ** 32) * spreadMs);
}
