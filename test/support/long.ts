// How much there is to try: `npm run test:long` tries all of it, and every other run a sample.

/** Whether this run is `npm run test:long`. */
export const isLong = process.env.LONG === '1';

/** How many random cases a property is tried with: all of them in a long run, and else a fifth. */
export const sampleOf = (cases: number): number => (isLong ? cases : Math.ceil(cases / 5));
