/** The command of a statement, as its first word names it. */
export type Command = 'UPDATE' | 'DELETE' | 'INSERT' | 'SELECT' | 'MERGE';

const COMMANDS: readonly Command[] = ['UPDATE', 'DELETE', 'INSERT', 'MERGE'];

/** Every statement that changes no rows counts as a `SELECT`. */
export const toCommand = (verb: string | undefined): Command =>
  COMMANDS.find((command) => command === verb) ?? 'SELECT';
