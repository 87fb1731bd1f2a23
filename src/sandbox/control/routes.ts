// The controls of the sandbox over HTTP, for a sandbox in a process of its own. They are not part of the marketplace's API and
// require no key, so the sandbox should listen on loopback. Invalid input is 400 { path, reason }; a request that the marketplace
// refuses is 409.
import type { FastifyInstance } from 'fastify';
import type { SandboxControls } from '../controls.js';
import { SandboxInputError } from '../input.js';
import { SandboxRefusedError } from '../refused.js';
import { mountAddressRoutes } from './addresses.js';
import { mountInspectionRoutes } from './inspect.js';
import { mountPeopleRoutes } from './people.js';
import { mountSettingsRoutes } from './settings.js';

export function mountControlRoutes(app: FastifyInstance, sandbox: SandboxControls): void {
  // The body is parsed as JSON for every content type, so that `curl -d` needs no header.
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

  mountInspectionRoutes(app, sandbox);
  mountSettingsRoutes(app, sandbox);
  mountPeopleRoutes(app, sandbox);
  mountAddressRoutes(app, sandbox);
}
