/** A source cannot be read to its end. The message contains nothing of its answer, its address or its headers. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
}
