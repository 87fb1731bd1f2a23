// The sandbox's own hands over HTTP, for when it runs as a process of its own. They are no part of the marketplace's API
// and ask for no key, so they belong on loopback. Wrong input is 400 { path, reason }, what the marketplace refuses is 409.
import type { FastifyInstance } from 'fastify';
import type { Hands } from '../controls.js';
import { SandboxInputError } from '../input.js';
import { SandboxRefusedError } from '../refused.js';
import { mountLooking } from './inspect.js';
import { mountPeople } from './people.js';
import { mountPlaces } from './places.js';
import { mountSteering } from './settings.js';

export function mountControl(app: FastifyInstance, sandbox: Hands): void {
  // Whatever the content type says, so that `curl -d` needs no header.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : JSON.parse(String(body)));
    } catch {
      done(new SandboxInputError('', 'the body is not valid JSON'));
    }
  });
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof SandboxInputError) {
      return reply.code(400).send({ path: error.path, reason: error.reason });
    }
    if (error instanceof SandboxRefusedError) {
      return reply.code(409).send({ path: '', reason: error.message, errorCode: error.errorCode });
    }
    return reply.code(500).send({ path: '', reason: error instanceof Error ? error.message : String(error) });
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ path: request.url, reason: 'there is no such control' }),
  );

  mountLooking(app, sandbox);
  mountSteering(app, sandbox);
  mountPeople(app, sandbox);
  mountPlaces(app, sandbox);
}
