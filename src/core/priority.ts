/** How soon a changed day must be published, as the priority of a job. */
import { MINUTE } from './duration.js';
import type { Span } from './span.js';

/** The least urgent value, which is BullMQ's largest priority: 2²¹ − 1. */
export const LOWEST_PRIORITY = 2_097_151;

/** The most urgent one. */
export const HIGHEST_PRIORITY = 1;

/** A change to what a day offers. */
export interface Change {
  /** Time that may no longer be sold. Half-open, epoch ms. */
  readonly closed: readonly Span[];
  /** Time that may be sold again. Half-open, epoch ms. */
  readonly opened: readonly Span[];
  /** Epoch ms. */
  readonly now: number;
  /** Whether nothing happened and the day is only looked at again. */
  readonly resync?: boolean | undefined;
}

/** What an urgency is of. */
export type Band =
  /** Time that may no longer be sold. */
  | 'closing'
  /** What the marketplace has to say: a patient may have booked, and nothing of it is known here. */
  | 'hearing'
  /** Time that may be sold again. */
  | 'opening'
  /** What a resync compares and finds. */
  | 'resync'
  /** Nothing that is known: it comes last in a queue, and is the day's work like any other. */
  | 'nothing in particular';

/** Where each band begins; read as a decimal number, the millions tell what happened. */
const CLOSING = HIGHEST_PRIORITY;
/** The urgency of asking the marketplace for what it has to say. */
export const VERIFICATION_PRIORITY = 900_001;
const OPENING = 1_000_001;
const RESYNC = 2_000_001;

const MINUTES_PER_HOUR = 60;
const MINUTES_PER_WEEK = 7 * 24 * MINUTES_PER_HOUR;
const HORIZON = 12 * MINUTES_PER_WEEK;

/** The urgency of what a resync reads. */
export const COMPARISON_PRIORITY = RESYNC + distance([], 0);

/**
 * A whole number from 1, most urgent, to {@link LOWEST_PRIORITY}: BullMQ takes the lowest first.
 *
 * Time that closed comes before time that opened, since it is a double booking waiting to happen and the other is lost
 * business; a resync, whatever it finds, comes after both. Within each, the nearer comes first: by minutes in the first
 * week, by hours up to the horizon of 12 weeks, beyond it and in the past all alike. A change that changes nothing is
 * least urgent.
 */
export function priority({ closed, opened, now, resync = false }: Change): number {
  if (closed.length === 0 && opened.length === 0) return LOWEST_PRIORITY;
  if (resync) return RESYNC + distance([...closed, ...opened], now);
  return closed.length > 0 ? CLOSING + distance(closed, now) : OPENING + distance(opened, now);
}

/** How far the nearest of them is, in steps that grow with the distance. What is over is as far as can be. */
function distance(spans: readonly Span[], now: number): number {
  let nearest = HORIZON;
  for (const { start, end } of spans) {
    if (end > now) nearest = Math.min(nearest, Math.max(0, Math.floor((start - now) / MINUTE)));
  }
  return nearest < MINUTES_PER_WEEK
    ? nearest
    : MINUTES_PER_WEEK + Math.floor((nearest - MINUTES_PER_WEEK) / MINUTES_PER_HOUR);
}

export function bandOf(value: number): Band {
  if (value < VERIFICATION_PRIORITY) return 'closing';
  if (value < OPENING) return 'hearing';
  if (value < RESYNC) return 'opening';
  return value < LOWEST_PRIORITY ? 'resync' : 'nothing in particular';
}

const BEGINS: Readonly<Record<Band, number>> = {
  closing: CLOSING,
  hearing: VERIFICATION_PRIORITY,
  opening: OPENING,
  resync: RESYNC,
  'nothing in particular': RESYNC,
};

/** What a minute of waiting weighs, in minutes of distance: a day and nine hours. See bench/README.md for why. */
const AGEING = 2_000;

/**
 * The urgency of a change that has waited: it comes nearer to what is nearest, but never out of its band, so that a
 * far day is not overtaken without end, and an opening never overtakes a closing.
 * @param waitedMs milliseconds
 */
export function aged(value: number, waitedMs: number): number {
  return Math.max(BEGINS[bandOf(value)], Math.round(value - (waitedMs / MINUTE) * AGEING));
}
