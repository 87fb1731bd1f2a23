/** The public API of the library. `slotkeeper/core` is the pure core alone; `slotkeeper/sandbox` is the sandbox. */

export type { BookingReport, BookingsApi, MoveBooking } from './api/bookings-api.js';
export type { Failure, FailuresApi, Resolved } from './api/failures-api.js';
export type { HeldChangesApi, HeldItem } from './api/held-changes-api.js';
export type {
  OwnResyncs,
  ResyncReport,
  ResyncRequest,
  ResyncSummary,
  ResyncsApi,
} from './api/resyncs-api.js';
export type { Role } from './api/roles.js';
export type { EventsResult, EventWarning, RejectedEvent } from './clinic/events-result.js';
export { type EventProblem, InvalidEventError } from './clinic/invalid-event-error.js';
export type {
  AvailableEvent,
  OccupancyEvent,
  OccupiedEvent,
  PmsId,
  ReleasedEvent,
} from './clinic/occupancy-event.js';
export { OccupancyProducer, type OccupancyProducerOptions } from './clinic/occupancy-producer.js';
export type { SnapshotOutcome, SnapshotResult } from './clinic/snapshots/apply-snapshot.js';
export type { HeldSummary, OnHeld } from './clinic/snapshots/hold-change.js';
export type { RejectedEntry } from './clinic/snapshots/parse-snapshot.js';
export type { Snapshot, SnapshotEntry } from './clinic/snapshots/snapshot-schema.js';
export { ConfigError } from './config/config-error.js';
export { parseConfig } from './config/load.js';
export type { FileConfigInput as SlotkeeperConfig } from './config/schema.js';
export * from './core/index.js';
export { InvalidKeyError } from './crypto/invalid-key-error.js';
export { DataFolderError } from './db/data-folder-error.js';
export { DatabaseLostError } from './db/database-lost-error.js';
export { DiskFullError } from './db/disk-full-error.js';
export { FolderInUseError } from './db/folder-in-use-error.js';
export { ServiceUnavailableError } from './db/service-unavailable-error.js';
export type { Account, Source } from './db/tables/accounts.js';
export { AddressTakenError } from './db/tables/address-taken-error.js';
export type { Calendar } from './db/tables/calendars.js';
export type { Deletion, HeldChange } from './db/tables/held-changes.js';
export type {
  ApprovalQuestion,
  MarketplaceBreak,
  MarketplacePlace,
  MarketplaceThing,
  NotificationData,
  NotificationItem,
  NotificationJob,
  NotificationName,
  VisitBooking,
  VisitBookingRequest,
} from './db/tables/notification-item.js';
export type { Feed } from './db/tables/notifications.js';
export type { DeliveryStatus, WaitForFeedQuery } from './delivery/delivery-service.js';
export { verifyWebhook, type WebhookRequest, WebhookVerificationError } from './delivery/verify-webhook.js';
export { Slotkeeper, type SlotkeeperOptions, type SnapshotArrival } from './engine.js';
export { createLog, type Logger } from './lib/log.js';
export type {
  Accuracy,
  AccuracyMeasures,
  AccuracyQuery,
  ChangeDurations,
  Percentiles,
} from './monitoring/accuracy.js';
export type { CalendarSummary } from './monitoring/calendar-summaries.js';
export type { Check, Explanation, Taker } from './monitoring/explanation.js';
export { InvalidQueryError } from './monitoring/invalid-query-error.js';
export type { Status } from './monitoring/status.js';
export type { DayReport, DayState } from './publishing/day-report.js';
export { UnknownCalendarsError } from './resync/unknown-calendars-error.js';
export { type AppOptions, createApp } from './server/app.js';
