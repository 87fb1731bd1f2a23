/** The interface of a command to its process: environment, streams, signals and time. */
import type { EventEmitter } from 'node:events';
import type { Environment } from '../config/environment.js';
import type { Timers } from '../lib/timers.js';

export interface Io {
  readonly env: Environment;
  /** The folder that relative paths refer to. */
  readonly cwd: string;
  /** Call it only to read: opening stdin may change it for other processes. */
  readonly stdin: () => AsyncIterable<Uint8Array>;
  readonly stdout: Output;
  /** Receives everything that is not data, and the log. */
  readonly stderr: Output;
  /** Emits each signal of the process, by its name. */
  readonly signals: EventEmitter;
  /** Ends the process at once. */
  readonly exit: (code: number) => void;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly timers: Timers;
}

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** The width of the terminal. */
  readonly columns?: number;
}
