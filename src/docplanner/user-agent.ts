// The default User-Agent. The marketplace treats clients without a real User-Agent as bots.

import { readFileSync } from 'node:fs';
import { z } from 'zod';

const manifest = z.object({ name: z.string(), version: z.string(), homepage: z.string().optional() });

/** `slotkeeper/<version>`, with `(+<homepage>)` where the package names one. */
export function defaultUserAgent(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { name, version, homepage } = manifest.parse(JSON.parse(text));
  return homepage === undefined ? `${name}/${version}` : `${name}/${version} (+${homepage})`;
}
