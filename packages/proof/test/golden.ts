import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GoldenTable, Tampering } from './golden-table.ts';

const folder = join(import.meta.dirname, 'golden');
const EXPECTED = '.expected.json';

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(folder, name), 'utf8')) as T;
}

/**
 * Proof files that a server made (the rollup: the builder of these tests), each with the pins and the report it has to
 * have from any later version, and changes with the reason that each is refused for.
 */
export function goldenTable(): GoldenTable {
  const names = readdirSync(folder).flatMap((file) =>
    file.endsWith(EXPECTED) ? [file.slice(0, -EXPECTED.length)] : [],
  );
  const proofs = names.sort().map((name) => ({
    ...{ name, proof: read<unknown>(`${name}.json`) },
    ...read<Pick<GoldenTable['proofs'][0], 'options' | 'report'>>(`${name}${EXPECTED}`),
  }));
  return { proofs, tampered: read<Tampering[]>('tampered.json') };
}
