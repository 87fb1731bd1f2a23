import { formatProblem, type Problem } from '../lib/validation.js';

/** A configuration that cannot be used. Every problem names its path; values, which may be secrets, are not repeated. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(source: string, problems: readonly Problem[]) {
    super(
      problems.length === 1
        ? `${source}: ${problems.map(formatProblem).join()}`
        : `${source}:\n${problems.map((problem) => `  ${formatProblem(problem)}`).join('\n')}`,
    );
    this.problems = problems;
  }
}
