/**
 * The library `slotkeeper/core`: pure functions on time. It reads no clock, does no I/O, and its only dependency is luxon.
 */
export { type BookableStart, bookableStarts, type Cut, type CutOptions } from './bookable-starts.js';
export { type BreakStep, breakSteps } from './break-steps.js';
export { type BreaksInput, type CalendarBreak, computeBreaks } from './breaks.js';
export {
  addDays,
  datesOf,
  isDate,
  isTimeZone,
  localDate,
  parseInstant,
  startOfDate,
  toIso,
} from './civil.js';
export { compareSlots, type ServiceInterval, type SlotChanges, sameSlots } from './compare-slots.js';
export { computeSlotConfigs } from './compute-slot-configs.js';
export { type BreakChanges, diffBreaks, type ExistingBreak } from './diff-breaks.js';
export {
  type BusyReason,
  type ExplainInput,
  explainStart,
  type StartCheck,
  type StartCheckName,
  type StartExplanation,
} from './explain-start.js';
export { InvalidScheduleError } from './invalid-schedule-error.js';
export {
  aged,
  type Band,
  bandOf,
  type Change,
  COMPARISON_PRIORITY,
  HIGHEST_PRIORITY,
  LOWEST_PRIORITY,
  priority,
  VERIFICATION_PRIORITY,
} from './priority.js';
export type {
  AddressService,
  Busy,
  ComputeInput,
  Day,
  Instant,
  Insurance,
  InsuranceAccepted,
  Interval,
  Service,
  ServiceInput,
  Slot,
  Window,
  WindowInput,
} from './types.js';
export {
  type WallWindow,
  type Weekday,
  type WeeklyInput,
  type WeeklyWindow,
  weeklyWindows,
} from './weekly-windows.js';
