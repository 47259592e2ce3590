/** Scripts of the bench as processes of their own. */
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const scriptPath = (name: string) => join(import.meta.dirname, name);

/** Runs a script to its end. @returns the number it prints */
export async function numberFrom(script: string, ...args: string[]): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [scriptPath(script), ...args]);
  return Number(stdout);
}

/** Runs a script to its end. @returns the JSON that it prints */
export async function jsonFrom<T>(script: string, ...args: string[]): Promise<T> {
  const { stdout } = await promisify(execFile)(process.execPath, [scriptPath(script), ...args]);
  return JSON.parse(stdout) as T;
}

/** Starts a script that serves. @returns the first line it prints, and how to end it */
export async function serving(script: string): Promise<{ line: string; stop: () => void }> {
  const child = spawn(process.execPath, [scriptPath(script)], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) return { line, stop: () => void child.kill() };
  throw new RangeError(`${script} ended before it said anything`);
}
