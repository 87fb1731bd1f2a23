/** Parses the environment variables: the addresses of the database and the queue, the listen address, and the keys. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { validate } from '../lib/validation.js';
import { ConfigError } from './config-error.js';
import { trustProxySchema } from './network.js';

export type Environment = Readonly<Record<string, string | undefined>>;

const url = (...protocols: string[]) =>
  z.string().refine(
    (value) => {
      try {
        return protocols.includes(new URL(value).protocol);
      } catch {
        return false;
      }
    },
    `must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  );

const environmentSchema = z.object({
  SLOTKEEPER_CONFIG: z.string().optional(),
  DATABASE_URL: url('postgres:', 'postgresql:').optional(),
  SLOTKEEPER_DATA: z.string().default('.slotkeeper'),
  REDIS_URL: url('redis:', 'rediss:').optional(),
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number('must be a port number').int().min(0).max(65_535).default(8080),
  HTTP_TRUST_PROXY: trustProxySchema.optional(),
  SLOTKEEPER_API_KEY: z.string().optional(),
  SLOTKEEPER_ENCRYPTION_KEY: z.string().optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

export type Settings = z.output<typeof environmentSchema>;

/**
 * Parses the environment variables. An empty variable counts as absent.
 * @throws {ConfigError} with the path of every invalid variable
 */
export function readEnvironment(environment: Environment): Settings {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const result = validate(environmentSchema, present);
  if (result.success) return result.data;
  throw new ConfigError('the environment', result.problems);
}

/** Returns the environment with the variables of the folder's `.env` added. Variables of the environment have precedence. */
export function withDotEnv(environment: Environment, folder: string): Environment {
  const file = join(folder, '.env');
  return existsSync(file) ? { ...parseEnv(readFileSync(file, 'utf8')), ...environment } : environment;
}
