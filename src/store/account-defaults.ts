/** What an account has that does not say otherwise. */

/** How large a push may be. */
export const DEFAULT_PUSH_BYTES = 1024 * 1024;
