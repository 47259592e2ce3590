/** A content file: is it the one that the manifest names? */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chunksOf } from '../store/content-lines.ts';

/** @returns SHA-256 as hex, and the size in bytes; undefined when there is no such file */
export function measure(path: string): { hash: string; size: number } | undefined {
  if (!existsSync(path)) return undefined;
  const hash = createHash('sha256');
  let size = 0;
  for (const chunk of chunksOf(path)) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { hash: hash.digest('hex'), size };
}
