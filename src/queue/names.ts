/** The queues' names. The first is a promise to producers: see docs/library.md. */
export const OCCUPANCY_QUEUE = 'slotkeeper-occupancy';
export const PUBLISH_QUEUE = 'slotkeeper-publish';
