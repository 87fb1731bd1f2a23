// The public API of the marketplace client: client, errors, wire types, notifications.

export type { AddressKey, DoctorKey } from './address.js';
export {
  DocplannerClient,
  type DocplannerClientOptions,
  type PulledNotifications,
} from './client.js';
export { baseUrlOf, type Domain, domains } from './domains.js';
export { ConflictError } from './errors/conflict-error.js';
export { ConnectionError, type ConnectionFailure } from './errors/connection-error.js';
export { DocplannerError, type MarketplaceErrors } from './errors/docplanner-error.js';
export { FirewallError } from './errors/firewall-error.js';
export { ForbiddenError } from './errors/forbidden-error.js';
export { type InvalidEntry, InvalidRequestError } from './errors/invalid-request-error.js';
export { NotFoundError } from './errors/not-found-error.js';
export { RateLimitedError } from './errors/rate-limited-error.js';
export { ServerError } from './errors/server-error.js';
export { TokenUnavailableError } from './errors/token-unavailable-error.js';
export { UnauthorizedError } from './errors/unauthorized-error.js';
export { UnexpectedAnswerError } from './errors/unexpected-answer-error.js';
export { UnprocessableError } from './errors/unprocessable-error.js';
export type { GateAnswer, GatedRequest, RateLimit, RequestGate } from './gate.js';
export { isWholeNumber } from './insurance.js';
export {
  isApprovalRequest,
  type KnownNotification,
  type Notification,
  type NotificationName,
  notificationNames,
  parseNotification,
  type UnknownNotification,
} from './notifications.js';
export type {
  AddCalendarBreakRequest,
  AddressScope,
  BookingScope,
  BookSlotRequest,
  ConfirmedBy,
  InsuranceAccepted,
  MoveBookingRequest,
  OneBookingScope,
  WirePatient,
  WireSlot,
} from './requests.js';
export { defaultTokenBackoff, type TokenBackoff } from './token-source.js';
export type {
  Address,
  AddressInsuranceProvider,
  AddressService,
  BookableStart,
  Booking,
  BookingRequest,
  CalendarBreak,
  CalendarStatus,
  DictionaryService,
  Doctor,
  Facility,
  InsurancePlan,
  InsuranceProvider,
  Listed,
  UnreadableItem,
} from './wire.js';
export { instantIn, serviceOf } from './wire.js';
