/** What a statement did, by its first word. */
export type Command = 'UPDATE' | 'DELETE' | 'INSERT' | 'SELECT' | 'MERGE';

const COMMANDS: readonly Command[] = ['UPDATE', 'DELETE', 'INSERT', 'MERGE'];

/** Everything that changes no rows counts as a `SELECT`. */
export const toCommand = (verb: string | undefined): Command =>
  COMMANDS.find((command) => command === verb) ?? 'SELECT';
