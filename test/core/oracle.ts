/**
 * What a slot configuration is, said the slow and obvious way: minute after minute, asking luxon for every clock. It
 * shares no code with the core. It knows instants only as epoch ms on whole half minutes, and insurance terms by whom
 * they accept.
 */
import { DateTime } from 'luxon';
import type { Window } from '../../src/core/index.js';

export const TICK = 30_000;
const MINUTE = 60_000;

export interface OracleWindow extends Pick<Window, 'services' | 'insurance'> {
  readonly start: number;
  readonly end: number;
}

export interface OracleInput {
  readonly timeZone: string;
  readonly windows: readonly OracleWindow[];
  readonly busy: readonly { readonly start: number; readonly end: number }[];
  readonly from: string;
  readonly to: string;
  readonly bufferBefore: number;
  readonly bufferAfter: number;
  readonly grid: number | undefined;
  readonly notBefore: number | undefined;
  readonly notAfter: number | undefined;
}

/** The days as JSON, or 'invalid' where a service has two durations, or two windows two terms, at one instant. */
export function oracle(input: OracleInput): string {
  const days = new Map<string, unknown[]>();
  for (let date = input.from; date <= input.to; date = moved(date, 1)) days.set(date, []);
  const first = Math.min(...input.windows.map(({ start }) => start));
  const last = Math.max(...input.windows.map(({ end }) => end));
  const step = isWhole(input) ? MINUTE : TICK;
  // Which windows are open changes seldom; what they offer is worked out once for each combination.
  const offers = new Map<string, Offer | undefined | 'invalid'>();
  let run: Run | undefined;
  for (let tick = first; tick <= last; tick += step) {
    const open = input.windows.filter(({ start, end }) => start <= tick && tick < end);
    const which = open.map((window) => input.windows.indexOf(window)).join();
    if (!offers.has(which)) offers.set(which, offerOf(open));
    const offer = offers.get(which);
    if (offer === 'invalid') return 'invalid';
    const free = offer !== undefined && !isTaken(tick, input);
    const date = free ? clock(tick, input.timeZone).date : '';
    if (run !== undefined && free && run.offer.key === offer.key && run.date === date) {
      run.end = tick + step;
      continue;
    }
    if (run !== undefined) days.get(run.date)?.push(...slotOf(run, input));
    run = free ? { start: tick, end: tick + step, offer, date } : undefined;
  }
  return JSON.stringify([...days].map(([date, slots]) => ({ date, slots })));
}

interface Offer {
  readonly services: readonly (readonly [id: string, duration: number])[];
  readonly insurance: OracleWindow['insurance'];
  /** Equal for equal offers. */
  readonly key: string;
}

interface Run {
  readonly start: number;
  end: number;
  readonly offer: Offer;
  readonly date: string;
}

function isWhole({ windows, busy, notBefore = 0, notAfter = 0 }: OracleInput): boolean {
  const instants = [...windows, ...busy].flatMap(({ start, end }) => [start, end]);
  return [...instants, notBefore, notAfter].every((ms) => ms % MINUTE === 0);
}

/** What the windows open at one instant offer together. */
function offerOf(open: readonly OracleWindow[]): Offer | undefined | 'invalid' {
  const [window] = open;
  if (window === undefined) return undefined;
  const durations = new Map<string, number>();
  for (const { services, insurance } of open) {
    if (insurance?.accepted !== window.insurance?.accepted) return 'invalid';
    for (const { id, duration } of services) {
      if (durations.has(id) && durations.get(id) !== duration) return 'invalid';
      durations.set(id, duration);
    }
  }
  const services = [...durations].sort(([a], [b]) => (a < b ? -1 : 1));
  return { services, insurance: window.insurance, key: `${services.join()} ${window.insurance?.accepted}` };
}

function isTaken(tick: number, input: OracleInput): boolean {
  const { busy, bufferBefore, bufferAfter, notBefore = tick, notAfter = tick + 1 } = input;
  if (tick < notBefore || tick >= notAfter) return true;
  return busy.some(
    ({ start, end }) => start - bufferBefore * MINUTE <= tick && tick < end + bufferAfter * MINUTE,
  );
}

function slotOf(
  run: { start: number; end: number; offer: Offer; date: string },
  input: OracleInput,
): unknown[] {
  const { timeZone, grid = 1 } = input;
  let { start, end } = run;
  if (clock(end, timeZone).date !== run.date) {
    end = DateTime.fromMillis(end - 1, { zone: timeZone })
      .startOf('minute')
      .toMillis();
  }
  while (start % MINUTE !== 0) start += TICK;
  while (end % MINUTE !== 0) end -= TICK;
  while (start < end && clock(start, timeZone).minute % grid !== 0) start += MINUTE;
  const services = run.offer.services.filter(([, duration]) => start + duration * MINUTE <= end);
  if (services.length === 0) return [];
  const { insurance } = run.offer;
  return [
    {
      start: clock(start, timeZone).iso,
      end: clock(end, timeZone).iso,
      address_services: services.map(([id, duration]) => ({ address_service_id: id, duration })),
      insurance_accepted: insurance?.accepted,
      insurance_providers: insurance?.providers,
    },
  ];
}

/** A date of the calendar some days later. */
export function moved(date: string, days: number): string {
  return new Date(Date.parse(date) + days * 1440 * MINUTE).toISOString().slice(0, 10);
}

interface Clock {
  readonly date: string;
  /** Minutes of the day that the wall clock shows. */
  readonly minute: number;
  readonly iso: string;
}

const clocks = new Map<string, Map<number, Clock>>();

/** luxon's answers are kept, because cases fall on the same few days again and again. */
export function clock(ms: number, timeZone: string): Clock {
  const known = clocks.get(timeZone) ?? new Map<number, Clock>();
  clocks.set(timeZone, known);
  let shown = known.get(ms);
  if (shown === undefined) {
    const time = DateTime.fromMillis(ms, { zone: timeZone });
    shown = {
      date: time.toFormat('yyyy-MM-dd'),
      minute: time.hour * 60 + time.minute,
      iso: time.toFormat("yyyy-MM-dd'T'HH:mm:ssZZ"),
    };
    known.set(ms, shown);
  }
  return shown;
}
