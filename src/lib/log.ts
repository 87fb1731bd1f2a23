/** The log on stderr, so that stdout stays for data: JSON lines, or lines for people on a terminal. Secrets never get in. */
import { type DestinationStream, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { redactCredentials } from './text-filter.js';

export type { Logger } from 'pino';

/** What a secret, or a patient, is called where an object that is logged has one. */
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

/** An error without what its library hung onto it: a driver's error can carry a row, an HTTP client's a request. Causes are not told. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const causes = error instanceof AggregateError ? { causes: error.errors.map(describeError) } : {};
  const [message, stack] = [error.message, error.stack ?? ''].map(redactCredentials);
  return { type: error.name, message, ...code, ...causes, stack };
}
