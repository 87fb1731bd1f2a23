/** The log on stderr, so that stdout stays for data: JSON lines, or lines for people on a terminal. Secrets never get in. */
import { type DestinationStream, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';

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

export interface LogFormat {
  /** Lines for people in place of JSON. */
  readonly readable?: boolean;
  readonly colour?: boolean;
}

/** @param destination this process's stderr unless it says otherwise */
export function createLog(
  level: string,
  destination: DestinationStream = pino.destination({ fd: 2, sync: true }),
  { readable = false, colour = false }: LogFormat = {},
): pino.Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRETS, censor: '[removed]' },
      serializers: { err: describeError },
    },
    readable ? readableOn(destination, colour) : destination,
  );
}

/** `[10:30:05] WARN: publishing failed and is tried again {"calendar":"nowak"}`, in local time. */
function readableOn(destination: DestinationStream, colour: boolean): DestinationStream {
  const format = prettyFactory({
    colorize: colour,
    colorizeObjects: colour,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss',
  });
  return { write: (line) => destination.write(format(line)) };
}

/** An error without what its library hung onto it: a driver's error can carry a row, an HTTP client's a request. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const causes = error instanceof AggregateError ? { causes: error.errors.map(describeError) } : {};
  return { type: error.name, message: error.message, ...code, ...causes, stack: error.stack };
}
