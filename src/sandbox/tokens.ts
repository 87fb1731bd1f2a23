// The tokens that were handed out. One lasts its seconds on the sandbox's clock. Contract: Authorization.
import { randomBytes } from 'node:crypto';

export class Tokens {
  readonly #held = new Map<string, { readonly client: string; readonly expiresAt: number }>();
  readonly seconds: number;

  constructor(seconds: number) {
    this.seconds = seconds;
  }

  issue(client: string, now: number): string {
    for (const [token, { expiresAt }] of this.#held) if (expiresAt <= now) this.#held.delete(token);
    const token = randomBytes(32).toString('base64url');
    this.#held.set(token, { client, expiresAt: now + this.seconds * 1_000 });
    return token;
  }

  /** The client a token stands for; undefined when it was never issued, is over or was revoked. */
  clientOf(token: string, now: number): string | undefined {
    const held = this.#held.get(token);
    return held !== undefined && now < held.expiresAt ? held.client : undefined;
  }

  /** Ends every token, or those of one client, before their time. */
  revoke(client?: string): void {
    for (const [token, held] of this.#held) {
      if (client === undefined || held.client === client) this.#held.delete(token);
    }
  }
}
