/** The names of the queues. Those of the occupancy and the notification queue are public and must not change. */
export const OCCUPANCY_QUEUE = 'slotkeeper-occupancy';
export const PUBLISH_QUEUE = 'slotkeeper-publish';
export const DELIVERY_QUEUE = 'slotkeeper-deliveries';
/** Notifications for a PMS that consumes them as jobs. */
export const NOTIFICATION_QUEUE = 'slotkeeper-notifications';
export const RESYNC_QUEUE = 'slotkeeper-resync';
