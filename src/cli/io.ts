/** What a command has of the process that it runs in. The bin gives it the process's own. */
import type { EventEmitter } from 'node:events';
import type { Environment } from '../config/environment.js';
import type { Timers } from '../lib/timers.js';

export interface Io {
  readonly env: Environment;
  /** What relative paths are relative to. */
  readonly cwd: string;
  /** Called only by who reads it: opening it may change it for other processes. */
  readonly stdin: () => AsyncIterable<Uint8Array>;
  readonly stdout: Output;
  /** For all that is not data, and for the log. */
  readonly stderr: Output;
  /** Emits each signal that the process gets, by its name. */
  readonly signals: EventEmitter;
  /** Ends the process at once. */
  readonly exit: (code: number) => void;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly timers: Timers;
}

export interface Output {
  write(text: string): unknown;
  /** Whether it is a terminal. */
  readonly isTTY?: boolean;
  /** How wide the terminal is. */
  readonly columns?: number;
}
