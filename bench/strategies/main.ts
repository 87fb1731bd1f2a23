/** `npm run bench:strategies`: what the three ways of telling the marketplace cost in requests, on the same days. */
import { Clinic, type Cost, DATE, type Happening, STRATEGIES, type Strategy, sum } from './clinic.js';

const at = (time: string): string => `${DATE}T${time}:00`;

const opened = (from: string, to: string, duration: number): Happening => ({
  type: 'available',
  from: DATE,
  to: DATE,
  windows: [{ start: at(from), end: at(to), services: [{ id: '123', duration }] }],
});

const taken = (ref: string, from: string, to: string): Happening => ({
  type: 'occupied',
  ref,
  start: at(from),
  end: at(to),
});

const clock = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

/** Twenty of the twenty-four visits of 20 minutes between 8:00 and 16:00, in an order in which patients might call. */
const TWENTY = Array.from({ length: 20 }, (_, n) => {
  const start = 8 * 60 + ((n * 7) % 24) * 20;
  return taken(`apt-${n}`, clock(start), clock(start + 20));
});

const FREED = TWENTY.map((_, n): Happening => ({ type: 'released', ref: `apt-${n}` }));

interface Row {
  readonly what: string;
  readonly strategy: string;
  readonly cost: Cost;
}

async function measured(strategy: Strategy): Promise<{ rows: Row[]; seen: string[] }> {
  const rows: Row[] = [];
  const seen: string[] = [];
  const row = (what: string, cost: Cost, way: string = strategy): void => {
    rows.push({ what, strategy: way, cost });
  };
  const clinic = await Clinic.open(strategy);
  const happens = async (what: string, ...happenings: readonly Happening[]): Promise<void> => {
    row(what, await clinic.cost(happenings));
    seen.push(`${what}: ${clinic.seen}`);
  };
  try {
    await happens('10:00-11:00 is opened', opened('10:00', '11:00', 10));
    await happens('10:30 is booked', taken('apt', '10:30', '10:40'));
    await happens('it moves to 10:50', taken('apt', '10:50', '11:00'));
    await happens('it is released', { type: 'released', ref: 'apt' });

    await clinic.cost([opened('08:00', '16:00', 20)]);
    const one: Cost[] = [];
    for (const booking of TWENTY) one.push(await clinic.cost([booking]));
    row('20 bookings, one after another', sum(one));
    seen.push(`twenty: ${clinic.seen}`);
    await clinic.cost(FREED);
    await happens('20 bookings at once', ...TWENTY);

    for (const to of STRATEGIES.filter((other) => other !== strategy)) {
      row('the calendar of 20 bookings changes', await clinic.change(to), `${strategy} to ${to}`);
      seen.push(`as ${strategy}: ${clinic.seen}`);
      // And back, to how it would have been without that.
      await clinic.change(strategy);
      await clinic.cost(FREED);
      await clinic.cost(TWENTY);
    }
    return { rows, seen };
  } finally {
    await clinic.close();
  }
}

const results = [];
for (const strategy of STRATEGIES) results.push(await measured(strategy));

const rows = results.flatMap((result) => result.rows);
for (const what of new Set(rows.map((row) => row.what))) {
  console.log(`\n${what}`);
  console.table(
    rows
      .filter((row) => row.what === what)
      .map(({ strategy, cost }) => ({
        strategy,
        requests: cost.requests,
        writes: cost.writes,
        operations: [...cost.operations].map(([name, count]) => `${count} ${name}`).join(', '),
      })),
  );
}

const views = results.map(({ seen }) => seen.filter((line) => !line.startsWith('as ')).join('\n'));
if (new Set(views).size !== 1) throw new Error(`patients do not see the same:\n${views.join('\n\n')}`);
console.log('\nAfter each of these a patient saw the same starts, whichever way.');
