/** What a benchmark asks for: it prints what was missed and ends with exit code 1 then. */
export class Bounds {
  readonly #missed: string[] = [];

  /** @returns the value, rounded for a table */
  atLeast(name: string, value: number, bound: number): number {
    return this.#hold(name, value, value >= bound, `at least ${bound}`);
  }

  /** @returns the value, rounded for a table */
  atMost(name: string, value: number, bound: number): number {
    return this.#hold(name, value, value <= bound, `at most ${bound}`);
  }

  /** Prints what was missed, and sets the exit code. */
  end(): void {
    for (const missed of this.#missed) console.error(missed);
    if (this.#missed.length > 0) process.exitCode = 1;
    else console.log('\nAll bounds hold.');
  }

  #hold(name: string, value: number, holds: boolean, bound: string): number {
    const rounded = Number(value.toPrecision(3));
    if (!holds) this.#missed.push(`${name}: ${rounded}, asked for is ${bound}`);
    return rounded;
  }
}
