/**
 * Ids of placeholders and breaks whose creation was requested and not answered yet. The row is written before the request, so
 * that a lost answer or an early notification does not hide what the marketplace may have created.
 */
const PREFIX = 'sent ';

export const toInDoubtId = (...parts: readonly string[]): string => `${PREFIX}${parts.join(' ')}`;

export const isInDoubtId = (id: string): boolean => id.startsWith(PREFIX);
