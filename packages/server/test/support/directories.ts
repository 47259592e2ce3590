import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
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
