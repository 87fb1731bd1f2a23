/** BullMQ's statements are unqualified: its schema comes first. */
export const SEARCH_PATH = 'bullmq, public';
