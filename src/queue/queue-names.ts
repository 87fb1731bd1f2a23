/** The queues' names. Those that others add to or take from are promises. */
export const OCCUPANCY_QUEUE = 'slotkeeper-occupancy';
export const PUBLISH_QUEUE = 'slotkeeper-publish';
export const DELIVERY_QUEUE = 'slotkeeper-deliveries';
/** What the marketplace said, for a PMS that takes jobs. */
export const NOTIFICATION_QUEUE = 'slotkeeper-notifications';
export const RESYNC_QUEUE = 'slotkeeper-resync';
