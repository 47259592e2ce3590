/** What a data directory is called: fixed when it is made, since its logs carry the name for ever. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from './store/errors.ts';
import { writeWholeFile } from './whole-file.ts';

export interface Instance {
  /** 8 hex digits; marks the cursors of this directory. */
  id: string;
  /** What the origins of its logs begin with: a schema-less URL, as C2SP recommends. */
  originPrefix: string;
}

const FILE = 'instance.json';

/**
 * @param fresh makes one where there is none: in a directory without data alone, for its logs carry the name
 * @throws StoreError `damaged`
 */
export function openInstance(dataDir: string, fresh: boolean, publicUrl: string | undefined): Instance {
  const path = join(dataDir, FILE);
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as Instance;
  if (!fresh) throw new StoreError('damaged', `${path} is missing, and the logs beside it carry its name: restore it`);
  const id = randomBytes(4).toString('hex');
  const host = publicUrl === undefined ? `${id}.tidemark.local` : new URL(publicUrl).host;
  const instance = { id, originPrefix: host };
  writeWholeFile(path, `${JSON.stringify(instance)}\n`, 0o644);
  return instance;
}
