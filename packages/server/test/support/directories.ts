import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Directories of a test file, deleted together. */
export class Directories {
  readonly #root = mkdtempSync(join(tmpdir(), 'tidemark-'));
  #count = 0;

  next(): string {
    const dir = join(this.#root, String(this.#count++));
    mkdirSync(dir);
    return dir;
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** Files in a directory, at any depth, in which the text stands, whatever they are of. */
export function filesWith(dir: string, text: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((file) => holds(join(dir, file), text));
}

/** What is gone by the time that it is looked at was there for a moment only, as unfinished packets are. */
function holds(path: string, text: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  try {
    return readFileSync(path).includes(text);
  } catch (cause) {
    if (existsSync(path)) throw cause;
    return false;
  }
}
