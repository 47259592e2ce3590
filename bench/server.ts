/** The server under measurement, as a process of its own on a fresh data directory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const COMMAND = join(import.meta.dirname, '..', 'packages', 'server', 'bin', 'tidemark.js');

export interface MeasuredServer {
  url: string;
  dataDir: string;
  /** From the start of the process to the line that says it listens. */
  startMs: number;
  residentBytes(): number;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** @param dataDir an existing directory is kept afterwards; without one the data goes with the server */
export async function startServer(env: Record<string, string> = {}, dataDir?: string): Promise<MeasuredServer> {
  const dir = dataDir ?? mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  const started = performance.now();
  const child = spawn(process.execPath, [COMMAND, 'serve', '--port', '0', '--data', dir], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await listeningUrl(child);
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
    if (dataDir === undefined) rmSync(dir, { recursive: true, force: true });
  };
  return {
    url,
    dataDir: dir,
    startMs: performance.now() - started,
    residentBytes: () => residentOf(child.pid ?? 0),
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
}

async function listeningUrl(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stdout! });
  for await (const line of lines) return (JSON.parse(line) as { url: string }).url;
  throw new RangeError('the server ended before it listened');
}

function residentOf(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0) * 1024;
}
