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
  run: CalendarContext,
  seen: ObservedState,
  step: BlockingStep,
): Promise<void> {
  switch (step.kind) {
    case 'add-break':
      return await addBreak(run, seen, step);
    case 'move-break':
      return await moveBreak(run, seen, step);
    case 'delete-break':
      return await deleteBreak(run, seen, step.one);
    case 'book':
      return await book(run, seen, step);
    case 'move-placeholder':
      return await movePlaceholder(run, seen, step);
    case 'cancel':
      return await cancel(run, seen, step.one);
  }
}
