// What the clinics hear of the people in the marketplace: when all of it has come, however often it was sent, and
// whether the feed says of each booking what it has to.
import { setTimeout as sleep } from 'node:timers/promises';
import got, { type Got } from 'got';
import { z } from 'zod';
import type { DeliveryRecord, RequestRecord, Sandbox } from '../../src/sandbox/index.js';
import type { Model, Span } from './model.js';
import type { People } from './people.js';
import type { World } from './world.js';

export interface NotificationConsumerOptions {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly sandbox: Sandbox;
  readonly world: World;
  readonly model: Model;
  readonly people: People;
  readonly onWrong: (what: string) => void;
  readonly onProgress: (what: string) => void;
}

/** Of a failed push, and a little more. */
const PUSHED_AGAIN_WITHIN_MS = 2_500;
const LOOK_EVERY_MS = 200;

const spanSchema = z.object({ start: z.coerce.date(), end: z.coerce.date() });
const conflictSchema = z.object({
  booking: spanSchema.extend({ id: z.string() }),
  occupancy: spanSchema.extend({ ref: z.string() }),
});
const pageSchema = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      calendar: z.string().nullable(),
      booking: z.string().nullable(),
      data: z.unknown(),
    }),
  ),
  next: z.string(),
});

type Item = z.output<typeof pageSchema>['items'][number];

export class NotificationConsumer {
  readonly #options: NotificationConsumerOptions;
  readonly #http: Got;
  /** By client, when it was last answered twice that there is nothing; without any since there was something. */
  readonly #empty = new Map<string, number[]>();
  #failedAt = Date.now();
  readonly #pushed = ({ status = 0 }: DeliveryRecord): void => {
    if (status < 200 || status > 299) this.#failedAt = Date.now();
  };
  readonly #pulled = ({ operation, client = '', status, fault, receivedAt }: RequestRecord): void => {
    if (operation !== 'getNotifications' || fault !== undefined) return;
    if (status === 200) this.#empty.delete(client);
    if (status === 404) this.#empty.set(client, [...(this.#empty.get(client) ?? []), receivedAt].slice(-2));
  };

  constructor(options: NotificationConsumerOptions) {
    this.#options = options;
    this.#http = got.extend({
      prefixUrl: `${options.apiUrl}/v1`,
      headers: { authorization: `Bearer ${options.apiKey}` },
      timeout: { request: 120_000 },
    });
    options.sandbox.on('delivery', this.#pushed).on('request', this.#pulled);
  }

  close(): void {
    this.#options.sandbox.off('delivery', this.#pushed).off('request', this.#pulled);
  }

  /** Everything was delivered. @param since from when on nothing new happens, epoch milliseconds */
  async come(since: number, deadline: number): Promise<void> {
    for (; !this.#hasCome(since); await sleep(LOOK_EVERY_MS)) {
      if (Date.now() < deadline) continue;
      this.#options.onWrong(`the news did not come: ${JSON.stringify(this.#state())}`);
      return;
    }
  }

  #state(): object {
    const { deliveries } = this.#options.sandbox;
    const underWay = deliveries.filter(({ endedAt }) => endedAt === undefined).length;
    return { empty: Object.fromEntries(this.#empty), underWay, failedAt: this.#failedAt };
  }

  #hasCome(since: number): boolean {
    const { sandbox, world } = this.#options;
    // Each is handed out once and committed before more is asked for, but another process may still be at that.
    const pulling = world.accounts.filter(({ hears }) => hears === 'pull' || hears === 'both');
    const arePulled = pulling.every(({ clientId }) => {
      const empty = this.#empty.get(clientId) ?? [];
      return empty.length === 2 && empty.every((at) => at > since);
    });
    const isUnderWay = sandbox.deliveries.some(({ endedAt }) => endedAt === undefined);
    return arePulled && !isUnderWay && Date.now() - Math.max(since, this.#failedAt) > PUSHED_AGAIN_WITHIN_MS;
  }

  /** @param deadline by which a sweep has found what was lost with a process that had just pulled it */
  async check(deadline: number): Promise<void> {
    for (let told = false; ; told = true) {
      const items = await this.#feed();
      const missing = [...this.#untold(items), ...this.#unwarned(items)];
      if (missing.length === 0 || Date.now() > deadline) {
        for (const what of [...missing, ...twice(items)]) this.#options.onWrong(what);
        return;
      }
      if (!told) this.#options.onProgress(`not told yet: ${missing.join(', ')}`);
      await sleep(1_000);
    }
  }

  /** How many bookings and appointments are in each other's way. */
  get conflicts(): number {
    return this.#conflicts().length;
  }

  /** The feed from its beginning to its end. */
  async #feed(): Promise<Item[]> {
    const all: Item[] = [];
    for (let after: string | undefined; ; ) {
      const searchParams = { limit: 500, ...(after === undefined ? {} : { after }) };
      const { items, next } = pageSchema.parse(
        await this.#http.get('notifications', { searchParams }).json(),
      );
      if (items.length === 0) return all;
      all.push(...items);
      after = next;
    }
  }

  #untold(items: readonly Item[]): string[] {
    const { world, people } = this.#options;
    const booked = items.filter(({ name }) => name === 'slot-booked' || name === 'booking-moved');
    const told = new Set(booked.map(({ calendar, booking }) => `${calendar} ${booking}`));
    return world.calendars.flatMap((calendar) =>
      people
        .bookings(calendar)
        .filter(({ id }) => !told.has(`${calendar.id} ${id}`))
        .map(({ id }) => `${calendar.id}: the clinic never heard of the booking ${id}`),
    );
  }

  #unwarned(items: readonly Item[]): string[] {
    const told = new Set(
      items
        .filter(({ name }) => name === 'conflict')
        .map(({ calendar, data }) => {
          const { booking, occupancy } = conflictSchema.parse(data);
          const spans = [spanOf(booking), spanOf(occupancy)];
          return spell({ calendar, booking: booking.id, ref: occupancy.ref, spans });
        }),
    );
    return this.#conflicts()
      .map(spell)
      .filter((conflict) => !told.has(conflict))
      .map((conflict) => `the clinic never heard of the conflict ${conflict}`);
  }

  #conflicts(): Conflict[] {
    const { world, people, model } = this.#options;
    return world.calendars.flatMap((calendar) =>
      people.bookings(calendar).flatMap(({ id, start, end }) =>
        [...model.taken(calendar.id)]
          .filter(([, taken]) => taken.start < end && taken.end > start)
          .map(([ref, taken]) => ({
            calendar: calendar.id,
            booking: id,
            ref,
            spans: [{ start, end }, taken],
          })),
      ),
    );
  }
}

interface Conflict {
  readonly calendar: string | null;
  readonly booking: string;
  readonly ref: string;
  readonly spans: readonly Span[];
}

const spanOf = ({ start, end }: { readonly start: Date; readonly end: Date }): Span => ({
  start: start.getTime(),
  end: end.getTime(),
});

const spell = ({ calendar, booking, ref, spans }: Conflict): string =>
  [
    calendar,
    booking,
    ref,
    ...spans.map(({ start, end }) => `${new Date(start).toISOString()}/${new Date(end).toISOString()}`),
  ].join(' ');

/** A booking is booked once, and no item is there twice. */
function twice(items: readonly Item[]): string[] {
  const booked = items
    .filter(({ name }) => name === 'slot-booked')
    .map(({ booking }) => `slot-booked ${booking}`);
  const all = [...booked, ...items.map(({ id }) => id)];
  return [...new Set(all.filter((one, n) => all.indexOf(one) !== n))].map(
    (one) => `the feed has ${one} twice`,
  );
}
