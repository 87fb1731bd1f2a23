/** PostgreSQL, Redis or the embedded database did not answer, or refused the connection. The message never contains a URL's password. */
export class ServiceUnavailableError extends Error {
  override readonly name: string = 'ServiceUnavailableError';

  /** @param location the service's URL, or the embedded database's folder */
  constructor(service: 'PostgreSQL' | 'Redis' | 'the embedded database', location: string, cause: unknown) {
    const where = service === 'the embedded database' ? `in ${location}` : `at ${withoutPassword(location)}`;
    super(`${service} ${where} cannot be used: ${reasonOf(cause)}`, { cause });
  }
}

function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url);
    return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
  } catch {
    return '(an unreadable URL)';
  }
}

function reasonOf(cause: unknown): string {
  // A host with several addresses fails with an AggregateError: one error per address, and an empty message.
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join('; ');
  return cause instanceof Error ? cause.message : String(cause);
}
