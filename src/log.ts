/** The log: JSON lines on stderr, so that stdout stays for data. Secrets never get in. */
import { type DestinationStream, pino } from 'pino';

export type { Logger } from 'pino';

/** Where a secret could come along inside an object that is logged. */
const SECRETS = [
  'clientSecret',
  'client_secret',
  'apiKey',
  'secret',
  'password',
  'authorization',
  'patient',
  'data',
  'encryptionKey',
  '*.clientSecret',
  '*.client_secret',
  '*.apiKey',
  '*.secret',
  '*.password',
  '*.authorization',
  '*.patient',
  '*.data',
];

/** @param destination this process's stderr unless it says otherwise */
export function createLog(
  level: string,
  destination: DestinationStream = pino.destination({ fd: 2, sync: true }),
): pino.Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRETS, censor: '[removed]' },
      serializers: { err: describeError },
    },
    destination,
  );
}

/** An error without what its library hung onto it: a driver's error can carry a row, an HTTP client's a request. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const causes = error instanceof AggregateError ? { causes: error.errors.map(describeError) } : {};
  return { type: error.name, message: error.message, ...code, ...causes, stack: error.stack };
}
