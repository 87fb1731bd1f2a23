/**
 * The thread in which the embedded database runs. PostgreSQL on a full disk can spin without end; here that keeps nobody
 * else from working. It says at once when the database is lost to it.
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

/** One of its log's lines: the statement, which follows on a line of its own, is not among them. */
const ITS_END = /\b(?:PANIC|FATAL): +(.+)|^(Aborted\(.*)/;
/** Ends of the program that has the database in it, rather than of a statement. */
const ENDS = new Set(['RuntimeError', 'ExitStatus']);

/** The same text form as `pg` gives for int8 and numeric, and plain `YYYY-MM-DD` for dates (see `pg-pool.ts`). */
const asText = (value: string): string => value;
const parsers = { 20: asText, 1082: asText, 1700: asText };

/**
 * The write-ahead log grows by so many megabytes at a time: each growth needs that much of the disk, and the database is lost
 * where it is not there.
 */
const WAL_SEGMENT_MB = 1;

/**
 * V8 optimises a function of WebAssembly that has run for so many bytes. Node 20's V8 does it after 1.8 million: a start then
 * has its processors busy with that for seconds. This is what later ones take by themselves.
 */
setFlagsFromString('--wasm-tiering-budget=13000000');

const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');
const say = (told: ThreadMessage): void => port.postMessage(told);
const { dataDir, createIn } = workerData as ThreadData;
let isReady = false;
let lastWords: string | undefined;

function lose(reason: string): void {
  lastWords ??= reason;
  if (isReady) say({ kind: 'lost', reason: lastWords });
}

function onLine(line: string): boolean {
  const [, end, aborted] = ITS_END.exec(line) ?? [];
  const reason = end ?? aborted;
  if (reason !== undefined) lose(reason);
  return false;
}

async function answer(
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

async function ask(db: PGlite, { id, text, params }: Extract<ThreadRequest, { kind: 'ask' }>): Promise<void> {
  try {
    say({ kind: 'answer', id, answer: await answer(db, text, params) });
  } catch (error) {
    const plain = serializeError(error);
    if (ENDS.has(plain.name)) lose(plain.message);
    say({ kind: 'error', id, error: plain });
  }
}

const create = (folder: string): Promise<PGlite> =>
  PGlite.create(folder, { initDbStartParams: [`--wal-segsize=${WAL_SEGMENT_MB}`], onStderr: onLine });

async function open(): Promise<PGlite | undefined> {
  try {
    if (createIn !== undefined) {
      const made = await create(createIn);
      await made.close();
      renameSync(createIn, dataDir);
    }
    return await create(dataDir);
  } catch (error) {
    say({ kind: 'not-ready', reason: lastWords ?? serializeError(error).message });
    return undefined;
  }
}

const opening = open();
// Heard from the beginning: a thread that waits for nothing else would wait for V8's compilers, which keeps it for half a second.
port.on('message', async (question: ThreadRequest) => {
  const db = await opening;
  if (db === undefined) return;
  if (question.kind === 'ask') await ask(db, question);
  else await db.close().finally(() => port.close());
});
const db = await opening;
if (db === undefined) port.close();
else {
  isReady = true;
  db.onNotification((channel, payload) => say({ kind: 'notification', channel, payload }));
  say({ kind: 'ready' });
}
