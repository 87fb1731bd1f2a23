import { formatProblem, type Problem } from '../lib/validation.js';

/**
 * The configuration is invalid. Every problem contains its path. It never contains a value, because a value may be a
 * secret.
 */
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
