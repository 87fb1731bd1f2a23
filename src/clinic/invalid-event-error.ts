/** One thing that is wrong with one of several events. */
export interface EventProblem {
  /** The event's place in the call, from 0. */
  readonly index: number;
  /** Where in the event, such as `windows[0].services`; empty where the whole is meant. */
  readonly path: string;
  readonly reason: string;
}

/** Occupancy events that cannot be read: nothing of the call was taken. The values are not repeated. */
export class InvalidEventError extends Error {
  override readonly name = 'InvalidEventError';
  /** The place of the first that is wrong, from 0. */
  readonly index: number;
  /** Everything that is wrong with that one, each thing after its path. */
  readonly reason: string;
  /** Everything that is wrong with all of them. */
  readonly problems: readonly EventProblem[];

  /** @param rejected those that cannot be read, at least one, each with everything that is wrong with it */
  constructor(
    rejected: readonly {
      readonly index: number;
      readonly reason: string;
      readonly problems: readonly { readonly path: string; readonly reason: string }[];
    }[],
  ) {
    super(rejected.map(({ index, reason }) => `events[${index}]: ${reason}`).join('\n'));
    this.index = rejected[0]?.index ?? 0;
    this.reason = rejected[0]?.reason ?? '';
    this.problems = rejected.flatMap(({ index, problems }) =>
      problems.map((problem) => ({ index, ...problem })),
    );
  }
}
