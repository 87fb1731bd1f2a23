/** Applies one snapshot of an import, by the engine in this process or by a running one. */
import { formatProblem } from '../../lib/validation.js';
import type { Connected } from '../connect.js';
import type { SnapshotImport } from '../http-api.js';

export async function importSnapshot(
  connected: Connected,
  calendar: string,
  snapshot: unknown,
  run: string,
): Promise<SnapshotImport> {
  if (connected.kind === 'http') return await connected.api.snapshot(calendar, snapshot, run);
  const outcome = await connected.engine.snapshot(calendar, snapshot, { run });
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
