/** A configuration that cannot be used. Every problem names its path; values, which may be secrets, are not repeated. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(source: string, problems: readonly Problem[]) {
    super(
      problems.length === 1 && problems[0]?.path === ''
        ? `${source}: ${problems[0].reason}`
        : `${source}:\n${problems.map(({ path, reason }) => `  ${path}: ${reason}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

export interface Problem {
  readonly path: string;
  readonly reason: string;
}
