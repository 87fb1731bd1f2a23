/** The end of publishing some days: what the marketplace shows is read back, and it is written down how it went. */
import type { Interval } from '../occupancy/day-changes.js';
import { saveFailed, savePublished } from '../store/days.js';
import { explainRefusal } from './address-services.js';
import { urgencyOf } from './plan.js';
import { readBack } from './read-back.js';
import type { Run } from './run.js';
import type { WantedDay } from './snapshot.js';

/** Of every so many publishes one is read back, where `verify` is `sampled`. */
const SAMPLE = 1 / 10;
const DIFFERS = 'the marketplace shows something else than it was told, also after a repair';

/**
 * A difference is repaired once, by another round; one that is there again is a failure of the day.
 * @param repaired remembers days across rounds
 * @param hidden what must not show although it is in the slots
 * @returns the dates to repair
 */
export async function conclude(
  run: Run,
  days: readonly WantedDay[],
  repaired: Set<string>,
  hidden: readonly Interval[] = [],
): Promise<ReadonlySet<string>> {
  if (days.length === 0) return new Set();
  const wantsReading =
    run.verify === 'always' ||
    (run.verify === 'sampled' && run.random() < SAMPLE) ||
    days.some((day) => repaired.has(keyOf(day)));
  const differing = wantsReading ? await readBack(run, days, urgencyOf(days), hidden) : undefined;
  const found = new Map((differing ?? []).map((difference) => [difference.date, difference]));
  await saveAsPublished(
    run,
    days.filter((day) => !found.has(day.date)),
    // Without a reading nobody saw a difference; where none was wanted, a 2xx is taken for the truth.
    differing !== undefined || run.verify !== 'always',
  );
  const failed = days.filter((day) => found.has(day.date) && repaired.has(keyOf(day)));
  const reason = failed.length > 0 ? await explainRefusal(run, DIFFERS) : DIFFERS;
  await saveFailed(
    run.db,
    run.calendar.id,
    failed.map((day) => ({
      date: day.date,
      generation: day.generation,
      error: {
        reason,
        expected: found.get(day.date)?.expected ?? [],
        shown: found.get(day.date)?.shown ?? [],
      },
    })),
  );
  for (const day of days) if (found.has(day.date)) repaired.add(keyOf(day));
  return new Set(found.keys());
}

export async function saveAsPublished(
  run: Run,
  days: readonly WantedDay[],
  verified: boolean,
): Promise<void> {
  await savePublished(
    run.db,
    run.calendar,
    run.account,
    days.map(({ date, generation, wanted }) => ({ date, generation, slots: wanted, verified })),
    new Date(run.now()),
  );
}

const keyOf = (day: WantedDay): string => `${day.date} ${day.generation}`;
