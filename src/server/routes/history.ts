/** The route of the history: pages as JSON, or new entries as server-sent events. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { ownId } from '../../config/schema.js';
import { HISTORY_KINDS, type HistoryFilter } from '../../db/tables/history.js';
import type { Slotkeeper } from '../../engine.js';
import { ProblemError } from '../problem.js';
import type { Routes } from '../types.js';

const cursor = z.string().regex(/^\d{1,18}$/, 'must be a cursor of an earlier response');
const text = z.string().min(1).max(200);

const query = z.strictObject({
  calendar: ownId.optional(),
  /** Local date. */
  date: z.iso.date().optional(),
  /** The PMS's appointment. */
  ref: text.optional(),
  /** The visit booking id. */
  booking: text.optional(),
  account: ownId.optional(),
  kind: z.enum(HISTORY_KINDS).optional(),
  /** `next` of the previous response. */
  after: cursor.optional(),
  /** Whether the newest entries come first; `after` then continues with older ones. */
  newest: z.stringbool({ truthy: ['true'], falsy: ['false'] }).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

export const historyItem = z.object({
  cursor: z.string(),
  at: z.string(),
  kind: z.enum(HISTORY_KINDS),
  account: z.string().nullable(),
  calendar: z.string().nullable(),
  date: z.string().nullable(),
  ref: z.string().nullable(),
  booking: z.string().nullable(),
  actor: z.string().nullable(),
  /** The facts of its kind. */
  detail: z.record(z.string(), z.unknown()),
});

const headers = z.object({ accept: z.string().optional(), 'last-event-id': cursor.optional() });

const EVENT_STREAM = 'text/event-stream';
/** A stream polls the database, so their number is limited. */
const MAX_STREAMS = 100;
/** A comment is sent after so many polls without an entry, which keeps proxies from closing the connection. */
const POLLS_PER_COMMENT = 60;

export const historyRoutes: Routes = (server, engine) => {
  const closing = new AbortController();
  server.addHook('preClose', async () => closing.abort());
  let streams = 0;

  server.get('/history', { schema: { querystring: query, headers } }, async (request, reply) => {
    const { limit, newest, after, ...filter } = request.query;
    const { accept, 'last-event-id': lastEventId } = request.headers;
    if (accept?.includes(EVENT_STREAM) !== true) {
      return await engine.history({ ...filter, limit, newest, after });
    }
    if (streams >= MAX_STREAMS) {
      throw new ProblemError({ status: 503, title: 'Too many streams', detail: `${MAX_STREAMS} are open` });
    }
    const left = new AbortController();
    reply.raw.once('close', () => left.abort());
    const signal = AbortSignal.any([closing.signal, left.signal]);
    streams += 1;
    signal.addEventListener('abort', () => (streams -= 1), { once: true });
    return await reply
      .type(EVENT_STREAM)
      .header('cache-control', 'no-store')
      .send(Readable.from(toEvents(engine, filter, lastEventId ?? after, signal)));
  });
};

async function* toEvents(
  engine: Slotkeeper,
  filter: HistoryFilter,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<string> {
  // The first comment sends the headers, so that a client knows that it follows.
  let quiet = POLLS_PER_COMMENT;
  for await (const items of engine.followHistory(filter, { after, signal })) {
    if (items.length > 0) {
      quiet = 0;
      yield items.map((item) => `id: ${item.cursor}\ndata: ${JSON.stringify(item)}\n\n`).join('');
    } else if (quiet >= POLLS_PER_COMMENT) {
      quiet = 0;
      yield ': nothing new\n\n';
    }
    quiet += 1;
  }
}
