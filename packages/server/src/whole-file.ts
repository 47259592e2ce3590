/** Small files that are there whole or not at all, whenever the process or the machine stops. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** When this returns, the file is on disk under its name. One that is there already is replaced. */
export function writeWholeFile(path: string, text: string, mode: number): void {
  const unfinished = `${path}.unfinished`;
  // What a crash left may have another mode.
  rmSync(unfinished, { force: true });
  const fd = openSync(unfinished, 'wx', mode);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(unfinished, path);
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
