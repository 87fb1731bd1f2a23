/** A dry run in the calling process: nothing is enqueued, published or saved. */
import { randomUUID } from 'node:crypto';
import type { ResyncReport } from '../api/resyncs-api.js';
import type { Dependencies } from '../context/context.js';
import { type DriftingDay, describeFailedDays } from '../db/tables/resync-calendars.js';
import type { ResyncFailure } from '../db/tables/resync-reports.js';
import { dryRun } from './dry-run.js';

/**
 * @param calendars compared one after another
 * @param maxDays the most days that the report lists
 * @param onProgress called after each calendar
 */
export async function dryRunAll(
  dependencies: Dependencies,
  calendars: readonly string[],
  maxDays: number,
  onProgress: (report: ResyncReport) => void,
): Promise<ResyncReport> {
  const { now } = dependencies;
  const id = `rsy_${randomUUID()}`;
  const startedAt = now();
  const sum = { daysCompared: 0, missing: 0, extra: 0, stale: 0, foreign: 0, reads: 0 };
  const failures: ResyncFailure[] = [];
  /** Days of compared calendars that had failed before, which were not compared. */
  const notCompared: ResyncFailure[] = [];
  const days: (DriftingDay & { readonly calendar: string })[] = [];
  let compared = 0;
  let left = calendars.length;
  const report = (): ResyncReport => {
    const { daysCompared, reads, ...differences } = sum;
    const calendarsDone = compared + failures.length;
    const isOver = left === 0;
    return {
      id,
      state: !isOver ? 'running' : compared === 0 && failures.length > 0 ? 'failed' : 'done',
      dryRun: true,
      calendars: calendarsDone + left,
      calendarsDone,
      daysCompared,
      differences,
      reads,
      writes: 0,
      startedAt: new Date(startedAt).toISOString(),
      finishedAt: isOver ? new Date(now()).toISOString() : null,
      durationMs: now() - startedAt,
      failures: [...failures, ...notCompared],
      waiting: [],
      sources: [],
      days: days.slice(0, maxDays),
    };
  };
  for (const calendar of calendars) {
    const result = await dryRun(dependencies, calendar);
    left -= 1;
    if (result.kind === 'failed') failures.push({ calendar, reason: result.reason });
    if (result.kind === 'compared') {
      compared += 1;
      const reason = await describeFailedDays(dependencies.db, calendar);
      if (reason !== null) notCompared.push({ calendar, reason });
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += result.compared[key];
      days.push(...result.compared.days.map((day) => ({ calendar, ...day })));
    }
    onProgress(report());
  }
  return report();
}
