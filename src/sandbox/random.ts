// A seeded random generator (mulberry32): an equal seed gives equal faults on every machine.

/** Each call returns the next number in [0, 1). */
export type Random = () => number;

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A separate stream for the nth user of one seed, so that streams are independent of each other. */
export function seededStream(seed: number, n: number): Random {
  return seededRandom(Math.imul(seed ^ 0x9e3779b9, n * 2 + 1));
}
