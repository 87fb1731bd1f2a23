/** The parsed interval type. The library's `Interval` is its unparsed form in a caller's input. */

/** A half-open interval in epoch milliseconds: it includes `start` and excludes `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Returns the span between two dates. */
export const spanOf = ({ start, end }: { readonly start: Date; readonly end: Date }): Span => ({
  start: start.getTime(),
  end: end.getTime(),
});

/** Whether two spans have an instant in common. */
export const overlaps = (a: Span, b: Span): boolean => a.start < b.end && b.start < a.end;
