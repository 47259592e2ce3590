import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const src = fileURLToPath(new URL('../src/', import.meta.url));
const files = readdirSync(src).map((name) => ({ name, code: withoutComments(readFileSync(src + name, 'utf8')) }));

/** What ties code to one runtime, or makes its answer depend on more than its input. */
const FORBIDDEN =
  /\bprocess\b|\bBuffer\b|\bDate\b|Math\.random|performance\.|\bfetch\b|localStorage|require\(|globalThis|\bDeno\b|window\b|setTimeout|setInterval|console\./;

describe.each(files)('$name', ({ code }) => {
  it('imports its neighbours and noble alone', () => {
    const imports = [...code.matchAll(/(?:from|import)\s*\(?'([^']+)'/g)].map((match) => match[1]!);
    expect(imports.filter((path) => !/^(?:\.\/[\w-]+\.ts|@noble\/(?:curves|hashes)\/[\w-]+\.js)$/.test(path))).toEqual(
      [],
    );
  });

  it('is pure', () => {
    expect(code.match(FORBIDDEN)?.[0]).toBeUndefined();
  });

  it('throws typed errors', () => {
    expect(code).not.toMatch(/new (?:Range|Type|Syntax)?Error\(/);
  });
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}
