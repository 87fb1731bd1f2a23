// Parses credentials: the two kinds of Authorization header, and the form of the token endpoint. Contract: Authorization.

export interface Credentials {
  readonly id: string;
  readonly secret: string;
}

export function parseBasicCredentials(header: string | undefined): Credentials | undefined {
  const encoded = /^Basic\s+([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { id: text.slice(0, colon), secret: text.slice(colon + 1) };
}

/** The credentials of the header, else `client_id` and `client_secret` of the form. */
export function parseClientCredentials(
  header: string | undefined,
  form: URLSearchParams,
): Credentials | undefined {
  const [id, secret] = [form.get('client_id'), form.get('client_secret')];
  return parseBasicCredentials(header) ?? (id === null || secret === null ? undefined : { id, secret });
}

/** The fields of a form, urlencoded or multipart. */
export function parseForm(text: string, contentType: string | undefined): URLSearchParams {
  const boundary = /^multipart\/form-data\b.*boundary="?([^";]+)"?/i.exec(contentType ?? '')?.[1];
  if (boundary === undefined) return new URLSearchParams(text);
  const form = new URLSearchParams();
  for (const part of text.split(`--${boundary}`)) {
    const [head = '', ...value] = part.split('\r\n\r\n');
    const name = /\bname="([^"]*)"/.exec(head)?.[1];
    if (name !== undefined) form.append(name, value.join('\r\n\r\n').replace(/\r\n$/, ''));
  }
  return form;
}

export function parseBearerToken(header: string | undefined): string | undefined {
  return /^Bearer\s+(\S+)$/i.exec(header ?? '')?.[1];
}
