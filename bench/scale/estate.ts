/** Many accounts with many calendars each, written at once. Accounts come with the configuration: their secrets are sealed. */
import type pg from 'pg';
import type { OccupancyEvent, SlotkeeperConfig } from 'slotkeeper';
import { fill, ZONE } from '../resync/estate.js';

export interface Size {
  readonly accounts: number;
  /** Of each account. */
  readonly calendars: number;
}

/** Today and the days after it that have windows and appointments. */
const DAYS = 3;
const ROOMY = { writesPerMinute: 1_000_000, writesPerHour: 1_000_000, requestsPerHour: 1_000_000 };

export const configOf = ({ accounts }: Size, marketplaceUrl: string): SlotkeeperConfig => ({
  accounts: Array.from({ length: accounts }, (_, n) => ({
    id: `a${n}`,
    baseUrl: marketplaceUrl,
    clientId: 'bench',
    clientSecret: 'bench',
    timeZone: ZONE,
    limits: ROOMY,
  })),
  publish: { debounceMs: 250 },
});

/** Everything is published, as far as the record goes, and every address was read today. */
export async function fillEstate(client: pg.Client, { accounts, calendars }: Size): Promise<void> {
  await client.query(`
    INSERT INTO slotkeeper.calendars
      (id, account_id, facility_id, doctor_id, address_id, strategy, settings, address_read_at, address_due_at)
    SELECT 'c' || n, 'a' || n % ${accounts}, '1', 1000 + n, 100000 + n, 'slots', '{}', now(), now() + interval '1 day'
    FROM generate_series(0, ${accounts * calendars - 1}) n`);
  await fill(client, { calendars: accounts * calendars, days: DAYS });
  await client.query('ANALYZE slotkeeper.calendars');
}

let made = 0;

/** Five minutes of tomorrow, each event in another calendar until all had one. */
export function takenEvents(size: Size, count: number): OccupancyEvent[] {
  const date = new Intl.DateTimeFormat('sv-SE', { timeZone: ZONE }).format(Date.now() + 86_400_000);
  return Array.from({ length: count }, () => {
    made += 1;
    const minutes = Math.floor(made / (size.accounts * size.calendars)) % 12;
    const at = (more: number): string => `${date} 09:${String(minutes * 5 + more).padStart(2, '0')}`;
    const calendar = `c${(made * 7919) % (size.accounts * size.calendars)}`;
    return {
      id: `scale-${made}`,
      type: 'occupied',
      calendar,
      ref: `scale-${made}`,
      start: at(0),
      end: at(4),
    };
  });
}
