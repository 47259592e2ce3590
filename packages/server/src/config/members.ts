/** Members of declared JSON, read strictly: each has its type, or the start stops with a line that says where. */
import { invalid } from './settings.ts';

export type Json = Record<string, unknown>;

export function list(value: unknown, where: string): Json[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid(where, 'must be a list');
  return value.map((item, index) => object(item, `${where}[${index}]`));
}

export function object(value: unknown, where: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(where, 'must be an object');
  return value as Json;
}

export function onlyMembers(item: Json, where: string, known: readonly string[], toCome: readonly string[]): void {
  for (const member of Object.keys(item)) {
    if (toCome.includes(member)) throw invalid(`${where}.${member}`, 'is not supported yet; leave it out');
    if (!known.includes(member)) throw invalid(`${where}.${member}`, `is unknown; known are ${known.join(', ')}`);
  }
}

export function text(value: unknown, where: string, minimum = 1): string {
  if (typeof value !== 'string' || value.length < minimum || value.length > 4096 || !value.isWellFormed()) {
    throw invalid(where, `must be text of ${minimum} to 4096 characters`);
  }
  return value;
}

export function boolean(value: unknown, where: string): boolean {
  if (typeof value !== 'boolean') throw invalid(where, 'must be true or false');
  return value;
}

export function integer(value: unknown, where: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
    throw invalid(where, `must be a whole number from ${min} to ${max}`);
  }
  return value;
}

export function number(value: unknown, where: string, min: number, max: number): number {
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    throw invalid(where, `must be a number from ${min} to ${max}`);
  }
  return value;
}

export function choice<T extends string>(value: unknown, values: readonly T[], where: string): T {
  const found = values.find((candidate) => candidate === value);
  if (found === undefined) throw invalid(where, `must be one of ${values.join(', ')}`);
  return found;
}
