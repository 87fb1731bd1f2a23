/** A stretch of time in epoch milliseconds. The library's `Interval` is what a caller writes; a span is what was read of it. */

/** Half-open: `start` belongs to the span, `end` does not. Epoch milliseconds. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The span between two dates. */
export const spanOf = ({ start, end }: { readonly start: Date; readonly end: Date }): Span => ({
  start: start.getTime(),
  end: end.getTime(),
});

/** Whether two spans have an instant in common. */
export const overlaps = (a: Span, b: Span): boolean => a.start < b.end && b.start < a.end;
