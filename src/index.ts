/** The library's face. The pure core alone is `slotkeeper/core`; the sandbox is `slotkeeper/sandbox`. */
export { ConfigError } from './config/config-error.js';
export { parseConfig } from './config/load.js';
export type { FileConfigInput as SlotkeeperConfig } from './config/schema.js';
export * from './core/index.js';
export { Slotkeeper, type SlotkeeperOptions, type Status } from './engine.js';
export type { Failure, FailuresFace, Settled } from './failures-face.js';
export type { EventsResult, RejectedEvent } from './intake/apply-events.js';
export { InvalidEventError } from './intake/invalid-event-error.js';
export { OccupancyProducer, type OccupancyProducerOptions } from './intake/occupancy-producer.js';
export type { OccupancyEventInput as OccupancyEvent } from './intake/vocabulary.js';
export { createLog, type Logger } from './log.js';
export type { Role } from './roles.js';
export { type AppOptions, createApp } from './server/app.js';
export type { Account } from './store/accounts.js';
export type { Calendar } from './store/calendars.js';
export { FolderInUseError } from './store/folder-in-use-error.js';
export { ServiceUnavailableError } from './store/service-unavailable-error.js';
export type { DayReport, DayState } from './sync/day-report.js';
