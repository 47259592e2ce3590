/** A table of faults: each alone in a copy of one directory, and all that it must be called. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fsck, type ViolationCode } from '../../src/fsck/index.ts';
import { Directories } from '../support/directories.ts';
import { anchorHeads, Copy, makeDirectory } from './made.ts';

export type Fault = [name: string, damage: (copy: Copy) => void | Promise<void>, ...codes: ViolationCode[]];

export interface FaultTables {
  directories: Directories;
  table(faults: Fault[]): void;
}

/**
 * To be called once a test file.
 * @param make fills the directory
 */
export function faultTables(make: (dir: string) => Promise<void> = makeAnchored): FaultTables {
  const directories = new Directories();
  const original = directories.next();
  beforeAll(() => make(original));
  afterAll(() => directories.remove());
  const table = (faults: Fault[]) => {
    const cases = faults.map(([name, damage, ...codes]) => ({ name, damage, codes }));
    it.each(cases)('$name', async ({ damage, codes }) => {
      const copy = new Copy(original, directories);
      await damage(copy);
      const { violations } = fsck(copy.dir);
      const found = new Set(violations.map(({ code }) => code));
      expect([...found].sort(), JSON.stringify(violations, null, 1)).toEqual([...codes].sort());
    });
  };
  return { directories, table };
}

async function makeAnchored(dir: string): Promise<void> {
  await makeDirectory(dir);
  await anchorHeads(dir);
}

/** SQL for a blob with the byte at `at` (from 1) changed. */
export function flipped(column: string, at: number): string {
  return `CAST(substr(${column}, 1, ${at - 1}) || CASE substr(${column}, ${at}, 1) WHEN x'41' THEN x'42' ELSE x'41' END
    || substr(${column}, ${at + 1}) AS BLOB)`;
}
