/** The pure core, `slotkeeper/core`: arithmetic on time. No clock, no I/O; it loads luxon and nothing else. */
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
export { computeSlotConfigs } from './compute-slot-configs.js';
export { InvalidScheduleError } from './invalid-schedule-error.js';
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
  Slot,
  Window,
} from './types.js';
