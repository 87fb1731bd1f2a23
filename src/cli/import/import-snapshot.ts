/** One snapshot of an import into the record, by the engine in this process or by a running one. */
import { formatProblem } from '../../lib/validation.js';
import type { Connected } from '../connect.js';
import type { TakenSnapshot } from '../http-api.js';

export async function takeSnapshot(
  reached: Connected,
  calendar: string,
  snapshot: unknown,
  run: string,
): Promise<TakenSnapshot> {
  if (reached.kind === 'http') return await reached.api.snapshot(calendar, snapshot, run);
  const outcome = await reached.engine.snapshot(calendar, snapshot, { run });
  switch (outcome.kind) {
    case 'taken':
      return { kind: 'taken', result: outcome.result };
    case 'unknown-calendar':
      return {
        kind: 'refused',
        reason: outcome.isClosing
          ? `the calendar "${calendar}" is being deleted`
          : `there is no calendar "${calendar}"`,
      };
    case 'invalid':
      return { kind: 'refused', reason: formatProblem(outcome.problems[0]) };
  }
}
