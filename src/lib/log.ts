/** The log: JSON lines, or lines for people on a terminal. It writes to stderr, because stdout is for data. It contains no secret. */
import { type DestinationStream, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { redactCredentials } from './text-filter.js';

export type { Logger } from 'pino';

/** Keys of logged objects whose values are removed: secrets, and what can be about a patient. */
const SECRETS = [
  'clientSecret',
  'client_secret',
  'apiKey',
  'secret',
  'password',
  'authorization',
  'headers',
  'patient',
  'data',
  'encryptionKey',
];

export interface LogFormat {
  /** Lines for people in place of JSON. */
  readonly readable?: boolean;
  readonly colour?: boolean;
}

/** @param destination default: stderr of this process */
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
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[removed]' },
      serializers: { err: describeError },
    },
    readable ? readableOn(destination, colour) : destination,
  );
}

/** `[10:30:05] WARN: publishing failed and is retried {"calendar":"nowak"}`, in local time. */
function readableOn(destination: DestinationStream, colour: boolean): DestinationStream {
  const format = prettyFactory({
    colorize: colour,
    colorizeObjects: colour,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss',
  });
  return { write: (line) => destination.write(format(line)) };
}

/** An error without the properties that libraries add: a driver's error can have a row, an HTTP client's a request. Its cause is omitted. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const causes = error instanceof AggregateError ? { causes: error.errors.map(describeError) } : {};
  const [message, stack] = [error.message, error.stack ?? ''].map(redactCredentials);
  return { type: error.name, message, ...code, ...causes, stack };
}
