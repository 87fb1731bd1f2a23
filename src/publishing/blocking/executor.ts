/**
 * Executes one step of a blocking plan. After a lost answer, the next read finds the change by the ownership tag that it
 * carries.
 */
import type { CalendarContext } from '../../context/context.js';
import { addBreak, deleteBreak, moveBreak } from './break-commands.js';
import type { ObservedState } from './observed-state.js';
import { bookPlaceholder, cancelPlaceholder, movePlaceholder } from './placeholder-commands.js';
import type { BlockingStep } from './plan-blocking.js';

export async function executeStep(
  context: CalendarContext,
  observed: ObservedState,
  step: BlockingStep,
): Promise<void> {
  switch (step.kind) {
    case 'add-break':
      return await addBreak(context, observed, step);
    case 'move-break':
      return await moveBreak(context, observed, step);
    case 'delete-break':
      return await deleteBreak(context, observed, step.one);
    case 'book':
      return await bookPlaceholder(context, observed, step);
    case 'move-placeholder':
      return await movePlaceholder(context, observed, step);
    case 'cancel':
      return await cancelPlaceholder(context, observed, step.one);
  }
}
