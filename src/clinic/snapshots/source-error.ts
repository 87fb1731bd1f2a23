/** A source that could not be read to its end. The reason has nothing of its answer, its address or its headers. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
}
