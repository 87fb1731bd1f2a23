/** The two simpler ways to make sure of everything: what should show is written, whatever shows. Nothing is read. */
import type { Slotkeeper } from 'slotkeeper';
import { DocplannerClient } from '../../dist/docplanner/index.js';
import { addressOf } from '../publish/backends.js';
import { calendarsOf, type Size } from './estate.js';

export type Simply = 'PUT every day of every calendar' | 'PUT every calendar whole';

/** As many as the engine publishes at the same time. */
const AT_ONCE = 8;

export interface Writing {
  readonly marketplaceUrl: string;
  readonly timeZone: string;
  readonly size: Size;
  readonly how: Simply;
}

/** @returns how many requests it took */
export async function write(
  engine: Slotkeeper,
  { marketplaceUrl, timeZone, size, how }: Writing,
): Promise<number> {
  const client = new DocplannerClient({
    account: 'bench',
    baseUrl: marketplaceUrl,
    clientId: 'bench',
    clientSecret: 'bench',
    timeoutMs: 10_000,
  });
  const left = calendarsOf(size).map(({ id }, n) => ({ id, address: addressOf(n) }));
  const [from, to] = datesOf(size, timeZone);
  let writes = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        const days = (await engine.days(next.id, from, to)) ?? [];
        const bodies =
          how === 'PUT every calendar whole'
            ? [days.flatMap(({ wanted }) => wanted)]
            : days.map(({ wanted }) => wanted);
        for (const slots of bodies) {
          await client.replaceSlots(next.address, slots);
          writes += 1;
        }
      }
    }),
  );
  await client.close();
  return writes;
}

function datesOf({ days }: Size, timeZone: string): [string, string] {
  const date = new Intl.DateTimeFormat('sv-SE', { timeZone });
  return [date.format(Date.now()), date.format(Date.now() + (days - 1) * 86_400_000)];
}
