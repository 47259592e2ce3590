import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));

/** A golden vector file of this repository. */
export function golden<T>(name: string): T {
  return JSON.parse(readFileSync(join(checkout, 'vectors', name), 'utf8')) as T;
}

const publicDir = process.env.PUBLIC_VECTORS_DIR ?? join(checkout, '../shared/vectors/public');

/** A folder or file of the public vectors, which are not part of the repository; undefined where they are missing. */
export function publicVectors(name: string): string | undefined {
  const path = join(publicDir, name);
  return existsSync(path) ? path : undefined;
}

/** What to call a suite, so that a skipped one says why. */
export function suiteName(title: string, path: string | undefined): string {
  return path === undefined ? `${title}: SKIPPED, no public vectors (set PUBLIC_VECTORS_DIR)` : title;
}

/** All JSON files below a folder, by relative path. */
export function jsonFiles<T>(folder: string): { name: string; vector: T }[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => ({ name, vector: JSON.parse(readFileSync(join(folder, name), 'utf8')) as T }));
}
