// The issued access tokens, which expire by the sandbox's clock. Contract: Authorization.
import { randomBytes } from 'node:crypto';

export class AccessTokens {
  readonly #tokens = new Map<string, { readonly client: string; readonly expiresAt: number }>();
  readonly lifetimeSeconds: number;

  constructor(lifetimeSeconds: number) {
    this.lifetimeSeconds = lifetimeSeconds;
  }

  issue(client: string, now: number): string {
    for (const [token, { expiresAt }] of this.#tokens) if (expiresAt <= now) this.#tokens.delete(token);
    const token = randomBytes(32).toString('base64url');
    this.#tokens.set(token, { client, expiresAt: now + this.lifetimeSeconds * 1_000 });
    return token;
  }

  /** The client of a token; undefined for a token that is unknown, expired or revoked. */
  clientOf(token: string, now: number): string | undefined {
    const found = this.#tokens.get(token);
    return found !== undefined && now < found.expiresAt ? found.client : undefined;
  }

  /** Revokes every token, or those of one client. */
  revoke(client?: string): void {
    for (const [token, issued] of this.#tokens) {
      if (client === undefined || issued.client === client) this.#tokens.delete(token);
    }
  }
}
