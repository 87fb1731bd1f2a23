/** The library's face. The pure core alone is `slotkeeper/core`; the sandbox is `slotkeeper/sandbox`. */
export { ConfigError } from './config/config-error.js';
export { parseConfig } from './config/load.js';
export type { FileConfigInput as SlotkeeperConfig } from './config/schema.js';
export * from './core/index.js';
export type { DeliveryStatus, FollowQuery } from './delivery/delivery.js';
export { verifyWebhook, type WebhookRequest, WebhookVerificationError } from './delivery/verify-webhook.js';
export type { Failure, FailuresFace, Settled } from './engine/failures-face.js';
export type { HeldItem, HoldsFace } from './engine/holds-face.js';
export type {
  OwnResyncs,
  ResyncReport,
  ResyncRequest,
  ResyncSummary,
  ResyncsFace,
} from './engine/resyncs-face.js';
export type { Role } from './engine/roles.js';
export type { Status } from './engine/status.js';
export { UnknownCalendarsError } from './engine/unknown-calendars-error.js';
export { Slotkeeper, type SlotkeeperOptions, type SnapshotArrival } from './engine.js';
export type { EventsResult, EventWarning, RejectedEvent } from './intake/events-result.js';
export { type EventProblem, InvalidEventError } from './intake/invalid-event-error.js';
export type {
  AvailableEvent,
  OccupancyEvent,
  OccupiedEvent,
  PmsId,
  ReleasedEvent,
} from './intake/occupancy-event.js';
export { OccupancyProducer, type OccupancyProducerOptions } from './intake/occupancy-producer.js';
export type { SnapshotOutcome, SnapshotResult } from './intake/snapshot/apply.js';
export type { HeldSummary, OnHeld } from './intake/snapshot/hold.js';
export type { RejectedEntry } from './intake/snapshot/read.js';
export type { Snapshot, SnapshotEntry } from './intake/snapshot/vocabulary.js';
export { createLog, type Logger } from './log.js';
export { UnreadableKeyError } from './privacy/unreadable-key-error.js';
export { type AppOptions, createApp } from './server/app.js';
export type { Account, Source } from './store/accounts.js';
export { AddressTakenError } from './store/address-taken-error.js';
export type { Calendar } from './store/calendars.js';
export { DataFolderError } from './store/data-folder-error.js';
export { DatabaseLostError } from './store/database-lost-error.js';
export { DiskFullError } from './store/disk-full-error.js';
export { FolderInUseError } from './store/folder-in-use-error.js';
export type { Hold, Loss } from './store/holds.js';
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
} from './store/notification-item.js';
export type { Feed } from './store/notifications.js';
export { ServiceUnavailableError } from './store/service-unavailable-error.js';
export type { BookingReport, BookingsFace, MoveBooking } from './sync/bookings-face.js';
export type { DayReport, DayState } from './sync/day-report.js';
