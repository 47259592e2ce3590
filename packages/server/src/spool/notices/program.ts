/** Tells through a program of the operator's: `BIN -template T -data JSON`; exit code 0 says that it was taken. */
import { execFile } from 'node:child_process';
import { SpoolError } from '../errors.ts';
import type { Environment, TemplatePaths } from '../settings.ts';
import type { Notifier } from './notice.ts';
import { templateOf } from './requests.ts';

export interface ProgramOptions {
  bin: string;
  templates: TemplatePaths;
  timeoutMs: number;
  env: Environment;
}

const MAX_OUTPUT_BYTES = 1024 * 1024;

export function programNotifier({ bin, templates, timeoutMs, env }: ProgramOptions): Notifier {
  return {
    target: bin,
    notify: ({ message }) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const args = ['-template', templateOf(message, templates), '-data', JSON.stringify(message)];
      const options = { timeout: timeoutMs, killSignal: 'SIGKILL', env, maxBuffer: MAX_OUTPUT_BYTES } as const;
      execFile(bin, args, options, (cause) => {
        if (cause === null) resolve();
        else reject(new SpoolError('not-delivered', `${bin} ${howItEnded(cause, timeoutMs)}`, { cause }));
      });
      return promise;
    },
  };
}

/** What it wrote is not repeated: it may hold a token. */
function howItEnded(cause: Error & { code?: unknown; killed?: boolean }, timeoutMs: number): string {
  if (cause.killed === true) return `did not end in ${timeoutMs} ms`;
  return typeof cause.code === 'number'
    ? `ended with exit code ${cause.code}`
    : `could not be run: ${String(cause.code)}`;
}
