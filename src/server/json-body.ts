/** JSON bodies. Where one ends to be JSON is told by line and column, and nothing of it is repeated. */
import { readJson } from '../lib/read-json.js';
import { ProblemError } from './problem.js';
import type { Server } from './types.js';

/** In place of Fastify's own words, which are about its parser; what it refuses besides stays refused. */
export function tellWhereBodiesAreWrong(app: Server): void {
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
