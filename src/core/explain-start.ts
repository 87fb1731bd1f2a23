/** Explains whether a start is on offer: the conditions of computeSlotConfigs and bookableStarts, for one instant. */
import { bookableStarts, type Cut, stepOf } from './bookable-starts.js';
import { localDate, requireInstant, requireZone, toIso } from './civil.js';
import { computeSlotConfigs } from './compute-slot-configs.js';
import { MINUTE } from './duration.js';
import { FIRST_INSTANT, LAST_INSTANT } from './instant.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';
import { isRecord } from './is-record.js';
import { readId } from './read-id.js';
import { readIntervals } from './read-schedule.js';
import { readSlots } from './read-slots.js';
import { overlaps, type Span } from './span.js';
import type { ComputeInput, Instant, Interval } from './types.js';
import type { Zone } from './zone.js';

export interface ExplainInput extends Omit<ComputeInput, 'from' | 'to'> {
  /** The start in question. */
  readonly at: Instant;
  /** An address service id; default: any service. */
  readonly service?: string | number | undefined;
  /** How the marketplace cuts slots; default `duration`. */
  readonly cut?: Cut | undefined;
  /**
   * Whether the marketplace's breaks and bookings block the busy time, so that slots include it and only starts whose
   * appointment overlaps it are not bookable. Default: the slots leave it out.
   */
  readonly blocking?: boolean | undefined;
}

/** In the order in which they are checked. */
export type StartCheckName = 'window' | 'service' | 'busy' | 'rules' | 'fits';

export interface StartCheck {
  readonly check: StartCheckName;
  /** null: not checked, because an earlier check failed. */
  readonly ok: boolean | null;
  /** One sentence. */
  readonly detail: string;
  /** The busy interval that is the reason. */
  readonly busy?: BusyReason | undefined;
}

export interface BusyReason {
  /** Its position in the input's `busy`. */
  readonly index: number;
  /** Whether only its buffer covers the time. */
  readonly isBuffer: boolean;
}

export interface StartExplanation {
  /** Whether the start is on offer, for the service or for any: exactly where all checks are ok. */
  readonly wanted: boolean;
  /** The services that are on offer at this start. */
  readonly services: readonly string[];
  readonly checks: readonly StartCheck[];
}

type Outcome = Omit<StartCheck, 'check'>;

const ORDER: readonly StartCheckName[] = ['window', 'service', 'busy', 'rules', 'fits'];
const SKIPPED: Outcome = { ok: null, detail: 'not checked: an earlier check failed' };

/**
 * Explains whether an appointment can begin at an instant. `wanted` comes from {@link computeSlotConfigs} and
 * {@link bookableStarts}; the checks name the first condition that fails. Pure.
 * @throws InvalidScheduleError as computeSlotConfigs and bookableStarts do, and at `at` or `service`
 */
export function explainStart(input: ExplainInput): StartExplanation {
  if (!isRecord(input)) throw new InvalidScheduleError('input', 'must be an object');
  const { at: given, service: id, cut = 'duration', blocking = false, ...schedule } = input;
  const { timeZone } = schedule;
  const zone = requireZone(timeZone);
  const at = requireInstant(given, zone, 'at');
  const service = id === undefined ? undefined : readId(id);
  if (id !== undefined && service === undefined) {
    throw new InvalidScheduleError('service', 'must be the id of an address service');
  }
  const date = localDate(at, timeZone);
  const instant = (value: Instant): number => requireInstant(value, zone, 'input');
  const notBlocked = blocking ? { ...schedule, busy: [] } : schedule;
  const slots = computeSlotConfigs({ ...notBlocked, from: date, to: date })[0]?.slots ?? [];
  const busySpans = readBusy(schedule, zone);
  const blocked = blocking ? busySpans.map(toInterval) : [];
  const starts = bookableStarts(slots, timeZone, { cut, blocked });
  const services = starts.find(({ start }) => Date.parse(start) === at)?.services ?? [];
  const wanted = service === undefined ? services.length > 0 : services.includes(service);

  const time = (ms: number): string => toIso(ms, timeZone).slice(11, 16);
  const open = schedule.windows.filter(({ start, end }) => instant(start) <= at && at < instant(end));
  const evaluate: Readonly<Record<StartCheckName, () => Outcome>> = {
    window: () => {
      if (open.length === 0) return { ok: false, detail: 'no window covers this time' };
      const start = Math.min(...open.map((window) => instant(window.start)));
      const end = Math.max(...open.map((window) => instant(window.end)));
      return { ok: true, detail: `available from ${time(start)} to ${time(end)}` };
    },
    service: () => {
      const ids = [...new Set(open.flatMap((window) => window.services.map((one) => String(one.id))))].sort();
      const ok = service === undefined || ids.includes(service);
      const offer = `the windows at this time offer ${ids.join(', ')}`;
      return { ok, detail: ok ? offer : `${offer}, and not ${service}` };
    },
    busy: () => {
      const found = busyAt(at);
      if (found === undefined) return { ok: true, detail: 'no busy time covers this time' };
      const span = `busy from ${time(found.start)} to ${time(found.end)}`;
      return { ok: false, detail: found.isBuffer ? `in the buffer of ${span}` : span, busy: reasonOf(found) };
    },
    rules: () => {
      const { notBefore, notAfter } = schedule;
      if (notBefore !== undefined && at < instant(notBefore)) {
        return { ok: false, detail: `nothing is offered before ${toIso(instant(notBefore), timeZone)}` };
      }
      if (notAfter !== undefined && at >= instant(notAfter)) {
        return { ok: false, detail: `nothing is offered after ${toIso(instant(notAfter), timeZone)}` };
      }
      return { ok: true, detail: 'no rule excludes this time' };
    },
    fits: () => {
      if (wanted) return { ok: true, detail: `an appointment can begin, for ${services.join(', ')}` };
      return { ok: false, ...whyNotInSlot() };
    },
  };
  const checks: StartCheck[] = [];
  for (const check of ORDER) {
    const isReached = checks.every(({ ok }) => ok === true);
    checks.push({ check, ...(isReached ? evaluate[check]() : SKIPPED) });
  }
  return { wanted, services, checks };

  /** The first busy interval that covers a part of a span, buffers included. */
  function busyIn(span: Span): CoveringBusy | undefined {
    const found = busySpans.find((one) => overlaps(one, span));
    if (found === undefined) return undefined;
    const from = Math.max(span.start, found.start);
    return {
      index: found.index,
      ...found.busy,
      isBuffer: !overlaps(found.busy, { start: from, end: from + 1 }),
    };
  }

  function busyAt(ms: number): CoveringBusy | undefined {
    return busyIn({ start: ms, end: ms + 1 });
  }

  function whyNotInSlot(): Pick<StartCheck, 'detail' | 'busy'> {
    const slot = readSlots(slots, 'slots', zone).find(({ start, end }) => start <= at && at < end);
    if (slot === undefined) return { detail: 'the free time around it is too short for any service' };
    // A slot ends at a whole minute, and busy time may begin within that minute.
    const next = busyIn({ start: slot.end, end: slot.end + MINUTE });
    const until = next === undefined ? {} : { busy: reasonOf(next) };
    const span = `the free time from ${time(slot.start)} to ${time(slot.end)}`;
    const meant = slot.services.filter((one) => service === undefined || one.address_service_id === service);
    if (meant.length === 0) return { detail: `${span} is too short for ${service}`, ...until };
    const steps = meant.map(({ duration }) => stepOf(duration, slot.services, cut));
    const onStep = meant.filter((_, i) => (at - slot.start) % ((steps[i] ?? 1) * MINUTE) === 0);
    if (onStep.length > 0) {
      const shortest = Math.min(...onStep.map(({ duration }) => duration));
      const reached = blocking ? busyIn({ start: at, end: at + shortest * MINUTE }) : undefined;
      return reached === undefined
        ? { detail: `${span} ends before the appointment would`, ...until }
        : { detail: `the appointment would last into ${describe(reached)}`, busy: reasonOf(reached) };
    }
    const every = `every ${Math.min(...steps)} minutes from ${time(slot.start)}`;
    return { detail: `the marketplace offers starts ${every}` };
  }

  function describe({ start, end, isBuffer }: CoveringBusy): string {
    const span = `busy from ${time(start)} to ${time(end)}`;
    return isBuffer ? `the buffer of ${span}` : `what is ${span}`;
  }
}

/** A busy interval, and its span with buffers. */
interface WideBusy extends Span {
  readonly index: number;
  readonly busy: Span;
}

interface CoveringBusy extends BusyReason, Span {}

function readBusy({ busy = [], bufferBefore = 0, bufferAfter = 0 }: ComputeInput, zone: Zone): WideBusy[] {
  const { starts, ends } = readIntervals(busy, 'busy', zone);
  return starts.map((start, index) => {
    const span = { start, end: ends[index] ?? start };
    const wide = { start: start - bufferBefore * MINUTE, end: span.end + bufferAfter * MINUTE };
    return { index, busy: span, ...wide };
  });
}

const reasonOf = ({ index, isBuffer }: CoveringBusy): BusyReason => ({ index, isBuffer });

/** Buffers may begin or end in a year that is no instant. */
const toInterval = ({ start, end }: Span): Interval => ({
  start: new Date(Math.max(start, FIRST_INSTANT)),
  end: new Date(Math.min(end, LAST_INSTANT)),
});
