/** The search_path of every session. BullMQ's statements are unqualified, so its schema comes first. */
export const SEARCH_PATH = 'bullmq, public';
