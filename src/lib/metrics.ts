/** Prometheus metrics that the services of this process count. They contain no calendar, doctor or patient. */
import { Counter, Histogram, Registry } from 'prom-client';

/** From 10 ms to 10 minutes. */
const LATENCY_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

export class Metrics {
  readonly registry = new Registry();
  /** `direction`: closing or opening. */
  readonly publishLatency = new Histogram({
    name: 'slotkeeper_publish_latency_seconds',
    help: 'Time from the commit of a change to the write that published it, by direction',
    labelNames: ['direction'],
    buckets: LATENCY_BUCKETS,
    registers: [this.registry],
  });
  readonly takenOnSale = new Counter({
    name: 'slotkeeper_taken_on_sale_seconds_total',
    help: 'Seconds for which published slots offered busy time, until they were closed',
    registers: [this.registry],
  });
  readonly doubleBookings = new Counter({
    name: 'slotkeeper_double_bookings_total',
    help: 'New conflicts of a marketplace booking with an appointment',
    registers: [this.registry],
  });
}
