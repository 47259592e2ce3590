/** The `tidemark` command as a process of its own. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'tidemark.js');

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Nothing of this process's environment is handed on but the path. */
export function runTidemark(args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env.PATH } };
    const child = execFile(process.execPath, [COMMAND, ...args], options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}
