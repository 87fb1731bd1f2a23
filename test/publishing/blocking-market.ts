// A marketplace in a few lines, five minutes by five minutes: what is offered, what hides it, and what a request does to both.
import type { Slot } from '../../src/core/index.js';
import type {
  MarketplaceState,
  OwnBreak,
  Placeholder,
} from '../../src/publishing/blocking/marketplace-state.js';
import type { BlockingStep } from '../../src/publishing/blocking/plan-blocking.js';
import { bookingKey } from '../../src/publishing/blocking/plan-blocking.js';

export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Visit extends Span {
  readonly service: string;
}

export const MINUTE = 60_000;
/** Everything begins and ends on a multiple of it. */
const TICK = 5 * MINUTE;

export const overlap = (a: Span, b: Span): boolean => a.start < b.end && b.start < a.end;

export function ticksOf(spans: Iterable<Span>): Set<number> {
  const ticks = new Set<number>();
  for (const { start, end } of spans) for (let at = start; at < end; at += TICK) ticks.add(at);
  return ticks;
}

export const spansOf = (slots: readonly Slot[]): Span[] =>
  slots.map(({ start, end }) => ({ start: Date.parse(start), end: Date.parse(end) }));

export class Market {
  readonly offered = new Map<string, readonly Slot[]>();
  readonly breaks = new Map<string, OwnBreak>();
  readonly placeholders = new Map<string, Placeholder>();
  others: readonly Span[] = [];
  /** Draws whether a booking or a move is refused for no reason. */
  #refuses: () => boolean;
  #made = 0;

  constructor(refuses: () => boolean) {
    this.#refuses = refuses;
  }

  marketplaceState(from: string, to: string): MarketplaceState {
    return {
      from,
      to,
      breaks: [...this.breaks.values()],
      placeholders: [...this.placeholders.values()],
      others: this.others,
    };
  }

  put(one: Omit<Placeholder, 'id'>): void {
    const id = this.#id();
    this.placeholders.set(id, { ...one, id });
  }

  putBreak({ start, end }: Span): void {
    const id = this.#id();
    this.breaks.set(id, { id, start, end });
  }

  /** Every five minutes that a patient could get. */
  get onSale(): ReadonlySet<number> {
    const ticks = ticksOf(spansOf([...this.offered.values()].flat()));
    for (const one of this.#hiding()) for (const tick of ticksOf([one])) ticks.delete(tick);
    return ticks;
  }

  /** Every visit that a patient could book: no time of it is hidden. */
  get visits(): readonly Visit[] {
    const hiding = [...this.#hiding()];
    return [...this.offered.values()].flat().flatMap((slot) => {
      const [period] = spansOf([slot]);
      if (period === undefined) return [];
      return slot.address_services.flatMap(({ address_service_id: service, duration }) => {
        const visits: Visit[] = [];
        for (let start = period.start; start + duration * MINUTE <= period.end; start += duration * MINUTE) {
          const visit = { start, end: start + duration * MINUTE, service };
          if (!hiding.some((one) => overlap(one, visit))) visits.push(visit);
        }
        return visits;
      });
    });
  }

  /** @returns what the marketplace refused: the key that the planner remembers it by */
  apply(step: BlockingStep): string | undefined {
    switch (step.kind) {
      case 'add-break': {
        const { start, end } = step;
        if ([...this.breaks.values()].some((one) => one.start === start && one.end === end)) {
          throw new Error('this break exists');
        }
        this.putBreak({ start, end });
        return undefined;
      }
      case 'move-break': {
        const { id, start, end } = step;
        const old = this.breaks.get(id);
        if (old === undefined || (old.start === start && old.end === end)) throw new Error('no such move');
        this.breaks.set(id, { id, start, end });
        return undefined;
      }
      case 'delete-break':
        if (!this.breaks.delete(step.one.id)) throw new Error('no such break');
        return undefined;
      case 'cancel':
        if (!this.placeholders.delete(step.one.id)) throw new Error('no such booking');
        return undefined;
      case 'book':
        if (!this.#canTake(step.need, step.service)) return bookingKey(step.need);
        this.put({ start: step.need.start, end: step.need.end, ref: step.ref });
        return undefined;
      case 'move-placeholder': {
        const { one, need, ref } = step;
        if (!this.placeholders.has(one.id)) throw new Error('no such booking');
        if (!this.#canTake(need, step.service, one.id)) return one.id;
        this.placeholders.delete(one.id);
        this.put({ start: need.start, end: need.end, ref });
        return undefined;
      }
    }
  }

  /** A start of that service, and free from there on for as long as the visit and the service take. */
  #canTake(visit: Span, service: string, moving?: string): boolean {
    if (this.#refuses()) return false;
    return [...this.offered.values()].flat().some((slot) => {
      const [period] = spansOf([slot]);
      const duration = slot.address_services.find(({ address_service_id: id }) => id === service)?.duration;
      if (period === undefined || duration === undefined || visit.start < period.start) return false;
      const usual = { start: visit.start, end: visit.start + duration * MINUTE };
      const end = Math.max(visit.end, usual.end);
      return (
        end <= period.end &&
        (visit.start - period.start) % (duration * MINUTE) === 0 &&
        ![...this.#hiding(moving)].some((one) => overlap(one, { start: visit.start, end }))
      );
    });
  }

  *#hiding(moving?: string): Iterable<Span> {
    yield* this.breaks.values();
    for (const one of this.placeholders.values()) if (one.id !== moving) yield one;
    yield* this.others;
  }

  #id(): string {
    this.#made += 1;
    return `made-${this.#made}`;
  }
}
