/**
 * Carries out one step of a plan. Every change can be found again after a lost answer: by the mark that it carries, in
 * what is read.
 */
import type { CalendarContext } from '../../context/context.js';
import { addBreak, deleteBreak, moveBreak } from './break-commands.js';
import type { ObservedState } from './observed-state.js';
import { book, cancel, movePlaceholder } from './placeholder-commands.js';
import type { BlockingStep } from './plan-blocking.js';

export async function executeStep(
  context: CalendarContext,
  seen: ObservedState,
  step: BlockingStep,
): Promise<void> {
  switch (step.kind) {
    case 'add-break':
      return await addBreak(context, seen, step);
    case 'move-break':
      return await moveBreak(context, seen, step);
    case 'delete-break':
      return await deleteBreak(context, seen, step.one);
    case 'book':
      return await book(context, seen, step);
    case 'move-placeholder':
      return await movePlaceholder(context, seen, step);
    case 'cancel':
      return await cancel(context, seen, step.one);
  }
}
