/** Links bookings to appointments of the PMS, or to none, and notifies the clinic of the conflicts that result. */
import { linkAndNotify } from '../clinic/booking-links.js';
import type { Encryptor } from '../crypto/encryptor.js';
import type { Db } from '../db/schema.js';
import type { Link } from '../db/tables/booking-links.js';
import type { BookingKey } from '../db/tables/linked-bookings.js';
import type { DeliveryEnqueuer } from '../queue/delivery-queue.js';

export interface BookingLinkerOptions {
  readonly db: Db;
  readonly encryptor: Encryptor;
  readonly delivery: DeliveryEnqueuer;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export class BookingLinker {
  readonly #options: BookingLinkerOptions;

  constructor(options: BookingLinkerOptions) {
    this.#options = options;
  }

  /** The caller enqueues the calendars. */
  async link(links: readonly Link[]): Promise<void> {
    const { db, encryptor, delivery, now } = this.#options;
    delivery.enqueue(await linkAndNotify(db, encryptor, links, now()));
  }

  /** The caller enqueues the calendars. */
  async unlink(bookings: readonly BookingKey[]): Promise<void> {
    await this.link(bookings.map(({ calendar, id }) => ({ calendar, booking: id, ref: null })));
  }
}
