/** Parses JSON bodies. An error contains the line and column of the problem, and nothing of the body. */
import { readJson } from '../lib/read-json.js';
import { ProblemError } from './problem.js';
import type { Server } from './types.js';

/** Replaces the messages of Fastify's parser; what the parser refuses for other reasons stays refused. */
export function parseJsonBodies(app: Server): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    parse(request, body, (error, value) => {
      const read = error === null ? undefined : readJson(body);
      if (read === undefined || read.success) return done(error, value);
      done(
        new ProblemError({ status: 400, title: 'Invalid request', detail: `the body ${read.reason}` }),
        undefined,
      );
    });
  });
}
