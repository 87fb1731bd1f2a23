// Adds, moves and removes breaks. Contract: Resources, Breaks.
import { buildNotifiedBreak } from '../notification-bodies.js';
import type { Actor } from './booking.js';
import type { Break } from './break.js';
import type { Calendar } from './calendar.js';
import type { Market } from './market.js';
import type { NotificationName } from './notifications.js';
import type { Interval } from './starts.js';

export interface BreakRequest extends Interval {
  readonly description: string;
  readonly by: Actor;
  /** Further calendars that get the same break. */
  readonly coupled?: readonly Calendar[];
}

export type BreakOutcome<Reason extends string> =
  | { readonly ok: true; readonly made: Break }
  | { readonly ok: false; readonly reason: Reason };

export function addBreak(
  market: Market,
  calendar: Calendar,
  { start, end, description, by, coupled = [] }: BreakRequest,
  now: number,
): BreakOutcome<'range' | 'exists'> {
  if (end <= start) return { ok: false, reason: 'range' };
  const exists = [...calendar.breaks.values()].some(
    (one) => one.start === start && one.end === end && one.description === description,
  );
  if (exists) return { ok: false, reason: 'exists' };

  calendar.ensureExists();
  const id = market.createId(calendar);
  const others = coupled.map((other) => ({ calendar: other, id: market.createId(other) }));
  const coupledIds = [id, ...others.map((other) => other.id)];
  const made: Break = { id, start, end, description, coupledIds };
  for (const one of [{ calendar, id }, ...others]) {
    saveBreak(market, one.calendar, 'break-created', { ...made, id: one.id }, by, now);
  }
  return { ok: true, made };
}

export function moveBreak(
  market: Market,
  calendar: Calendar,
  id: string,
  { start, end, by }: Interval & { readonly by: Actor },
  now: number,
): BreakOutcome<'unknown' | 'range' | 'same'> {
  const old = calendar.breaks.get(id);
  if (old === undefined) return { ok: false, reason: 'unknown' };
  if (end <= start) return { ok: false, reason: 'range' };
  if (start === old.start && end === old.end) return { ok: false, reason: 'same' };
  for (const [owner, one] of findCoupledBreaks(market, old)) {
    saveBreak(market, owner, 'break-moved', { ...one, start, end }, by, now);
  }
  return { ok: true, made: { ...old, start, end } };
}

export function removeBreak(market: Market, calendar: Calendar, id: string, by: Actor, now: number): boolean {
  const old = calendar.breaks.get(id);
  if (old === undefined) return false;
  for (const [owner, one] of findCoupledBreaks(market, old)) {
    owner.saveState(now);
    owner.breaks.delete(one.id);
    notifyBreak(market, owner, 'break-removed', one, by, now);
  }
  return true;
}

type BreakNotificationName = Extract<NotificationName, `break-${string}`>;

function saveBreak(
  market: Market,
  calendar: Calendar,
  name: BreakNotificationName,
  one: Break,
  by: Actor,
  now: number,
): void {
  calendar.saveState(now);
  calendar.breaks.set(one.id, one);
  notifyBreak(market, calendar, name, one, by, now);
}

function notifyBreak(
  market: Market,
  calendar: Calendar,
  name: BreakNotificationName,
  one: Break,
  by: Actor,
  now: number,
): void {
  market.notify(calendar, { name, by, data: { break: buildNotifiedBreak(one, calendar.zone) } }, now);
}

function findCoupledBreaks(market: Market, { coupledIds }: Break): readonly (readonly [Calendar, Break])[] {
  return coupledIds.flatMap((id) => {
    const owner = market.findCalendarOf(id);
    const one = owner?.breaks.get(id);
    return owner === undefined || one === undefined ? [] : [[owner, one] as const];
  });
}
