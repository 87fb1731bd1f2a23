// The token endpoint: client credentials by HTTP Basic or in the form. Errors have the shape of RFC 6749. Contract: Authorization.

import { parseClientCredentials, parseForm } from '../http/authorization.js';
import type { Operation, OperationCall } from '../http/operation.js';
import type { ApiResponse } from '../http/response.js';

export const token: Operation = {
  name: 'token',
  method: 'POST',
  path: '/oauth/v2/token',
  handle: (call) => {
    const form = parseForm(call.body.text, call.contentType);
    const credentials = parseClientCredentials(call.authorization, form);
    if (
      credentials === undefined ||
      !call.market.directory.authenticate(credentials.id, credentials.secret)
    ) {
      const answer = oauthError(401, 'invalid_client', 'The client credentials are invalid.');
      return { ...answer, headers: { ...answer.headers, 'www-authenticate': 'Basic realm="Service"' } };
    }
    return grantToken(call, form, credentials.id);
  },
};

function grantToken(call: OperationCall, form: URLSearchParams, client: string): ApiResponse {
  if (!form.has('grant_type')) return oauthError(400, 'invalid_request', 'The form body lacks grant_type.');
  if (form.get('grant_type') !== 'client_credentials') {
    return oauthError(400, 'unsupported_grant_type', 'Only client_credentials is supported.');
  }
  if (form.get('scope') !== 'integration')
    return oauthError(400, 'invalid_scope', 'The scope should be integration.');
  return {
    status: 200,
    headers: TOKEN_HEADERS,
    body: {
      access_token: call.tokens.issue(client, call.now),
      expires_in: call.tokens.lifetimeSeconds,
      token_type: 'bearer',
      scope: null,
    },
  };
}

const TOKEN_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store, private' };

function oauthError(status: number, error: string, description: string): ApiResponse {
  return { status, headers: TOKEN_HEADERS, body: { error, error_description: description } };
}
