/** Errors of the library for invalid occupancy events: one problem of one event. */
export interface EventProblem {
  /** The event's index in the call, from 0. */
  readonly index: number;
  /** The path within the event, such as `windows[0].services`; empty for the whole event. */
  readonly path: string;
  readonly reason: string;
}

/** Occupancy events are invalid, and nothing of the call was enqueued or applied. The error contains no values of the events. */
export class InvalidEventError extends Error {
  override readonly name = 'InvalidEventError';
  /** The index of the first invalid event, from 0. */
  readonly index: number;
  /** All problems of that event, each after its path. */
  readonly reason: string;
  /** All problems of all events. */
  readonly problems: readonly EventProblem[];

  /** @param rejected the invalid events, at least one, each with all its problems */
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
