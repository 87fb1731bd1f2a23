/**
 * The strategy `slots`, and the default: a day is regenerated without what is taken, and replaces what the
 * marketplace has. Contract: replaceSlots.
 */
import { conclude, saveAsPublished, settle } from '../conclude.js';
import { nextAction, urgencyOf } from '../plan.js';
import type { Reconciled } from '../reconciled.js';
import type { Run } from '../run.js';
import { clearDay, lookAt, pending, replaceDays } from '../tell.js';

/** After so many steps another calendar gets a turn; the rest of this one follows. */
const MOST_STEPS = 100;

/** Before each step the record is read anew, so that nothing is sent that is known to be taken by then. */
export async function publishSlots(run: Run): Promise<Reconciled> {
  const showing = new Set<string>();
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const days = await pending(run);
    const action = nextAction(days, run.mostEntries, showing);
    if (action === undefined) return { kind: 'done' };
    switch (action.kind) {
      case 'settle':
        await settle(run, action.days);
        break;
      case 'look': {
        const found = await lookAt(run, action.days);
        for (const date of found) showing.add(date);
        const empty = action.days.filter((day) => !found.has(day.date));
        await saveAsPublished(run, empty, true);
        break;
      }
      case 'clear':
        if (await clearDay(run, action.days[0])) await conclude(run, action.days);
        break;
      case 'replace':
        await conclude(run, await replaceDays(run, action.days));
        break;
    }
  }
  return { kind: 'again', urgency: urgencyOf(await pending(run)) };
}
