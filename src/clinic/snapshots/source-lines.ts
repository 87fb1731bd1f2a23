/** Fetches a source and yields the lines of its answer as they arrive. */
import got, { AbortError, type Request, TimeoutError } from 'got';
import type { Source } from '../../db/tables/accounts.js';
import { isPrivateAddressError, type PrivateAddresses } from '../../lib/private-addresses.js';
import { type Line, readLines } from './ndjson.js';
import { SourceError } from './source-error.js';

/** Enough for thousands of calendars; a larger answer is a mistake, and would fill the disk. */
const MAX_BYTES = 1024 * 1024 * 1024;

export interface SourceLinesOptions {
  readonly signal?: AbortSignal | undefined;
  /** Refuses private addresses; without it any address is requested. */
  readonly privateAddresses?: PrivateAddresses | undefined;
}

/** @throws {SourceError} where the source does not answer with lines, or the answer breaks off */
export async function* fetchSourceLines(
  source: Source,
  { signal, privateAddresses }: SourceLinesOptions = {},
): AsyncGenerator<Line> {
  const stream = got.stream(source.url, {
    headers: { accept: 'application/x-ndjson, application/json', ...source.headers },
    timeout: { request: source.timeoutSeconds * 1000 },
    retry: { limit: 0 },
    // The headers may contain secrets for this address only.
    followRedirect: false,
    throwHttpErrors: false,
    ...(signal === undefined ? {} : { signal }),
    ...(privateAddresses === undefined ? {} : { agent: privateAddresses.agents }),
  });
  try {
    yield* readLines(answerOf(stream));
  } catch (error) {
    throw error instanceof SourceError ? error : new SourceError(reasonOf(error, source));
  } finally {
    stream.destroy();
  }
}

async function* answerOf(stream: Request): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of stream) {
    if (size === 0) requireLines(stream);
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BYTES) throw new SourceError(`answered more than ${MAX_BYTES} bytes`);
    yield bytes;
  }
  requireLines(stream);
}

function requireLines({ response }: Request): void {
  const status = response?.statusCode;
  if (status !== 200) throw new SourceError(`answered ${status ?? 'nothing'}`);
  if (/html/i.test(response?.headers['content-type'] ?? '')) throw new SourceError('answered with HTML');
}

/** Only the code of got's error is used, because the error contains the headers. */
function reasonOf(error: unknown, { timeoutSeconds }: Source): string {
  if (error instanceof AbortError) return 'was given up';
  if (isPrivateAddressError(error))
    return 'is at a private address, and network.allowPrivate does not list it';
  if (error instanceof TimeoutError) return `took longer than ${timeoutSeconds} s`;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  return `broke off${code === '' ? '' : ` (${code})`}`;
}
