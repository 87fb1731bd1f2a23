/** PostgreSQL or Redis did not answer, or refused us. The message never carries the URL's password. */
export class ServiceUnavailableError extends Error {
  override readonly name = 'ServiceUnavailableError';

  constructor(service: 'PostgreSQL' | 'Redis', url: string, cause: unknown) {
    super(`${service} at ${withoutPassword(url)} cannot be used: ${reasonOf(cause)}`, { cause });
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
  // A host with several addresses fails with one error per address and an empty message of its own.
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join('; ');
  return cause instanceof Error ? cause.message : String(cause);
}
