/** 1,000 calendars of 84 days with 15 busy intervals a day, one after the other in one process. */
import { type ComputeInput, computeSlotConfigs } from 'slotkeeper/core';
import { dayInput, timeZone } from './calendars.js';
import { print, round } from './measure.js';

const CALENDARS = 1_000;
const DAYS = 84;

let seconds = 0;
let slots = 0;
for (let calendar = 0; calendar < CALENDARS; calendar++) {
  const days = Array.from({ length: DAYS }, (_, n) => dayInput(n, 'ISO 8601'));
  const made = {
    timeZone,
    windows: days.flatMap((day) => day.windows),
    busy: days.flatMap((day) => day.busy),
  };
  // As it would arrive from outside; texts just put together would first have to be made whole.
  const input: ComputeInput = JSON.parse(JSON.stringify(made));
  const start = performance.now();
  for (const day of computeSlotConfigs(input)) slots += day.slots.length;
  seconds += (performance.now() - start) / 1000;
}
print(
  `${round(CALENDARS)} calendars of ${DAYS} days, 15 busy intervals a day, instants as ISO 8601, one process:`,
  ['slots', 'seconds', 'peak memory, MiB'],
  [[round(slots), round(seconds, 2), round(process.resourceUsage().maxRSS / 1024)]],
);
