import type pg from 'pg';
import type { FreshDatabase } from '../postgres.js';

/** By what they hold: those that no test uses at the moment. */
export const idleDatabases: Map<string, FreshDatabase[]>;
export function keepConnections(url: string): void;
export function idleProcesses(): Promise<number[]>;
export function keptClient(config: pg.ClientConfig): pg.Client;
