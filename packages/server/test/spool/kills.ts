/** `tidemark spool` as a process that is killed now and then; for any server. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../fault/random.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'tidemark.js');

export interface Ended {
  /** null: killed. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  child: ChildProcess;
  ended: Promise<Ended>;
}

/** @param env all of its environment but the path */
export function startSpool(args: readonly string[], env: Record<string, string>): Started {
  // Elsewhere than in the checkout, where a server may have left its data.
  const options = { env: { PATH: process.env.PATH, ...env }, cwd: tmpdir() };
  const child = spawn(process.execPath, [COMMAND, 'spool', ...args], options);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => resolve({ code, ...output }));
  });
  return { child, ended };
}

export interface Killing {
  /** With `--once`, so that it ends. */
  args: readonly string[];
  env: Record<string, string>;
  /** After so many, it is left to end. */
  kills: number;
  /** A kill comes at a random moment within this time from when it says that it has begun a step. */
  withinMs: number;
  seed: number;
}

/** Starts it again and again, until it ends by itself. @returns its last end, and how often it was killed */
export async function throughKills({
  args,
  env,
  kills: most,
  withinMs,
  seed,
}: Killing): Promise<Ended & { kills: number }> {
  const random = new Random(seed);
  for (let kills = 0; ; kills++) {
    const { child, ended } = startSpool(args, env);
    if (kills < most) void killWithin(child, ended, random.between(0, withinMs));
    const end = await ended;
    if (end.code !== null) return { ...end, kills };
  }
}

async function killWithin(child: ChildProcess, ended: Promise<unknown>, ms: number): Promise<void> {
  await Promise.race([once(child.stderr as NonNullable<ChildProcess['stderr']>, 'data'), ended]);
  await Promise.race([delay(ms), ended]);
  child.kill('SIGKILL');
}
