// Making, moving and removing breaks. Contract: Resources, Breaks.
import { toldBreak } from '../notification-bodies.js';
import type { Actor } from './booking.js';
import type { Break } from './break.js';
import type { Calendar } from './calendar.js';
import type { Market } from './market.js';
import type { NotificationName } from './notifications.js';
import type { Interval } from './starts.js';

export interface BreakRequest extends Interval {
  readonly description: string;
  readonly by: Actor;
  /** Further calendars that take the same break. */
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
  const isThere = [...calendar.breaks.values()].some(
    (one) => one.start === start && one.end === end && one.description === description,
  );
  if (isThere) return { ok: false, reason: 'exists' };

  calendar.make();
  const id = market.newId(calendar);
  const others = coupled.map((home) => ({ home, id: market.newId(home) }));
  const together = [id, ...others.map((other) => other.id)];
  const made: Break = { id, start, end, description, together };
  for (const place of [{ home: calendar, id }, ...others]) {
    put(market, place.home, 'break-created', { ...made, id: place.id }, by, now);
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
  for (const [home, one] of madeTogether(market, old)) {
    put(market, home, 'break-moved', { ...one, start, end }, by, now);
  }
  return { ok: true, made: { ...old, start, end } };
}

export function removeBreak(market: Market, calendar: Calendar, id: string, by: Actor, now: number): boolean {
  const old = calendar.breaks.get(id);
  if (old === undefined) return false;
  for (const [home, one] of madeTogether(market, old)) {
    home.remember(now);
    home.breaks.delete(one.id);
    tell(market, home, 'break-removed', one, by, now);
  }
  return true;
}

type BreakNews = Extract<NotificationName, `break-${string}`>;

function put(market: Market, calendar: Calendar, name: BreakNews, one: Break, by: Actor, now: number): void {
  calendar.remember(now);
  calendar.breaks.set(one.id, one);
  tell(market, calendar, name, one, by, now);
}

function tell(market: Market, calendar: Calendar, name: BreakNews, one: Break, by: Actor, now: number): void {
  market.tell(calendar, { name, by, about: { break: toldBreak(one, calendar.zone) } }, now);
}

function madeTogether(market: Market, { together }: Break): readonly (readonly [Calendar, Break])[] {
  return together.flatMap((id) => {
    const home = market.homeOf(id);
    const one = home?.breaks.get(id);
    return home === undefined || one === undefined ? [] : [[home, one] as const];
  });
}
