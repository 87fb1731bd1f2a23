// The token endpoint: client credentials, by HTTP Basic or in the form. Contract: Authorization. Errors are RFC 6749's.
import type { Answer } from '../http/answer.js';
import { clientCredentials, formIn } from '../http/authorization.js';
import type { Call, Operation } from '../http/operation.js';

export const token: Operation = {
  name: 'token',
  method: 'POST',
  path: '/oauth/v2/token',
  handle: (call) => {
    const form = formIn(call.body.text, call.contentType);
    const credentials = clientCredentials(call.authorization, form);
    if (
      credentials === undefined ||
      !call.market.directory.authenticate(credentials.id, credentials.secret)
    ) {
      const answer = refusal(401, 'invalid_client', 'The client credentials are invalid.');
      return { ...answer, headers: { ...answer.headers, 'www-authenticate': 'Basic realm="Service"' } };
    }
    return grant(call, form, credentials.id);
  },
};

function grant(call: Call, form: URLSearchParams, client: string): Answer {
  if (!form.has('grant_type')) return refusal(400, 'invalid_request', 'The form body lacks grant_type.');
  if (form.get('grant_type') !== 'client_credentials') {
    return refusal(400, 'unsupported_grant_type', 'Only client_credentials is supported.');
  }
  if (form.get('scope') !== 'integration')
    return refusal(400, 'invalid_scope', 'The scope should be integration.');
  return {
    status: 200,
    headers: HEADERS,
    body: {
      access_token: call.tokens.issue(client, call.now),
      expires_in: call.tokens.seconds,
      token_type: 'bearer',
      scope: null,
    },
  };
}

const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store, private' };

function refusal(status: number, error: string, description: string): Answer {
  return { status, headers: HEADERS, body: { error, error_description: description } };
}
