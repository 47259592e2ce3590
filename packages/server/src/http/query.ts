/** Query parameters: each is known, comes once, and is checked. */
import type { FastifyRequest } from 'fastify';
import { badRequest } from './problem.ts';

export type Query = Readonly<Record<string, string | undefined>>;

/** @throws Problem 400 for a parameter that is unknown or given twice */
export function queryOf(request: FastifyRequest, known: readonly string[]): Query {
  const query = request.query as Record<string, string | string[]>;
  for (const [name, value] of Object.entries(query)) {
    if (!known.includes(name)) {
      const those = known.length === 0 ? 'this route takes none' : `known are ${known.join(', ')}`;
      throw badRequest(`unknown parameter "${name}"; ${those}`);
    }
    if (typeof value !== 'string') throw badRequest(`the parameter "${name}" is given twice`);
  }
  return query as Query;
}

/** What "since" may be. In a URL, a plus is a blank. */
export const BEGINNINGS = 'a cursor, an RFC 3339 time (in a URL, + is written as %2B), earliest or latest';

export function integer(query: Query, name: string, fallback: number, min: number, max: number): number {
  const text = query[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || value < min || value > max) {
    throw badRequest(`"${name}" is a whole number from ${min} to ${max}`);
  }
  return value;
}

export function boolean(query: Query, name: string, fallback: boolean): boolean {
  const text = query[name];
  if (text === undefined) return fallback;
  if (text !== 'true' && text !== 'false') throw badRequest(`"${name}" is true or false`);
  return text === 'true';
}

export function required(query: Query, name: string, pattern: RegExp, what: string): string {
  const value = query[name];
  if (value === undefined || !pattern.test(value)) throw badRequest(`"${name}" is ${what}`);
  return value;
}

/** A comma-separated list as a set; undefined when the parameter is absent. */
export function listOf(query: Query, name: string): Set<string> | undefined {
  const value = query[name];
  if (value === undefined) return undefined;
  const items = value.split(',').map((item) => item.trim());
  if (items.includes('')) throw badRequest(`"${name}" is a comma-separated list`);
  return new Set(items);
}
