/**
 * The entry of the thread in which the embedded database runs. PostgreSQL on a full disk can spin without end; in a thread of
 * its own it does not block the process. The thread reports at once that the database is lost.
 */
import { renameSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite, type Results } from '@electric-sql/pglite';
import {
  type StatementResult,
  serializeError,
  type ThreadData,
  type ThreadMessage,
  type ThreadRequest,
} from './pglite-messages.js';

/** A log line that reports the end of the database. The statement follows on a line of its own, so it is not captured. */
const FATAL_LINE = /\b(?:PANIC|FATAL): +(.+)|^(Aborted\(.*)/;
/** Names of errors that end the WebAssembly program, not only a statement. */
const FATAL_ERRORS = new Set(['RuntimeError', 'ExitStatus']);

/** int8 and numeric are text, as `pg` returns them; dates are `YYYY-MM-DD` (see `pool.ts`). */
const asText = (value: string): string => value;
const parsers = { 20: asText, 1082: asText, 1700: asText };

/**
 * The write-ahead log grows by so many megabytes at a time. The database is lost where the disk lacks space for one segment,
 * so segments are small.
 */
const WAL_SEGMENT_MB = 1;

/**
 * V8 optimises a WebAssembly function after it has executed so many bytes. Node 20's V8 does so after 1.8 million, which
 * occupies the processors for seconds during a start. This value is the default of later versions.
 */
setFlagsFromString('--wasm-tiering-budget=13000000');

const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');
const send = (message: ThreadMessage): void => port.postMessage(message);
const { dataDir, createIn } = workerData as ThreadData;
let isReady = false;
/** The first reported reason. */
let lostReason: string | undefined;

function reportLost(reason: string): void {
  lostReason ??= reason;
  if (isReady) send({ kind: 'lost', reason: lostReason });
}

function onLogLine(line: string): boolean {
  const [, message, aborted] = FATAL_LINE.exec(line) ?? [];
  const reason = message ?? aborted;
  if (reason !== undefined) reportLost(reason);
  return false;
}

async function execute(
  db: PGlite,
  text: string,
  params: readonly unknown[] | undefined,
): Promise<StatementResult> {
  const result: Results<unknown> | undefined =
    params === undefined
      ? (await db.exec(text, { parsers })).at(-1)
      : await db.query(text, [...params], { parsers });
  return { rows: result?.rows ?? [], affectedRows: result?.affectedRows ?? 0 };
}

async function answerQuery(
  db: PGlite,
  { id, text, params }: Extract<ThreadRequest, { kind: 'query' }>,
): Promise<void> {
  try {
    send({ kind: 'result', id, result: await execute(db, text, params) });
  } catch (error) {
    const serialized = serializeError(error);
    if (FATAL_ERRORS.has(serialized.name)) reportLost(serialized.message);
    send({ kind: 'error', id, error: serialized });
  }
}

const create = (folder: string): Promise<PGlite> =>
  PGlite.create(folder, { initDbStartParams: [`--wal-segsize=${WAL_SEGMENT_MB}`], onStderr: onLogLine });

async function open(): Promise<PGlite | undefined> {
  try {
    if (createIn !== undefined) {
      const created = await create(createIn);
      await created.close();
      renameSync(createIn, dataDir);
    }
    return await create(dataDir);
  } catch (error) {
    send({ kind: 'not-ready', reason: lostReason ?? serializeError(error).message });
    return undefined;
  }
}

const opening = open();
// The listener is added before the database is open: a thread without one waits half a second for V8's compilers.
port.on('message', async (request: ThreadRequest) => {
  const db = await opening;
  if (db === undefined) return;
  if (request.kind === 'query') await answerQuery(db, request);
  else await db.close().finally(() => port.close());
});
const db = await opening;
if (db === undefined) port.close();
else {
  isReady = true;
  db.onNotification((channel, payload) => send({ kind: 'notification', channel, payload }));
  send({ kind: 'ready' });
}
