/** The real server as a process of its own, on loopback and a free port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'tidemark.js');

/** `ended-early`: the process was gone before it listened; the message has its exit code and what it wrote last. */
export class ServerProcessError extends Error {
  readonly code = 'ended-early';

  constructor(message: string) {
    super(message);
    this.name = 'ServerProcessError';
  }
}

export interface ServerProcess {
  url: string;
  adminTokenFile: string;
  pid: number;
  /** From the start of the process to the line that says it listens. */
  startMs: number;
  /** All that it wrote so far, to standard output and to standard error. */
  output(): { stdout: string; stderr: string };
  /** SIGKILL. Settles when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM: an orderly end. @returns the exit code */
  stop(): Promise<number | null>;
}

export interface LaunchedServer {
  /** Rejects with a `ServerProcessError` when the process ends before it listens. */
  listening: Promise<ServerProcess>;
  /** SIGKILL, before it listens or after. Settles when the process is gone. */
  kill(): Promise<void>;
}

/** Starts a server and waits until it listens. @throws ServerProcessError */
export function start(
  dataDir: string,
  env: Record<string, string> = {},
  args: readonly string[] = [],
): Promise<ServerProcess> {
  return launch(dataDir, env, args).listening;
}

/**
 * Starts a server and does not wait. The process ends with this one at the latest.
 * @param env settings; nothing else of this process's environment is handed on but the path
 * @param args more arguments for `tidemark serve`
 */
export function launch(
  dataDir: string,
  env: Record<string, string> = {},
  args: readonly string[] = [],
): LaunchedServer {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [COMMAND, 'serve', '--port', '0', '--data', dataDir, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const killNow = () => child.kill('SIGKILL');
  process.once('exit', killNow);
  const exited = new Promise<number | null>((resolve) => {
    // 'close' and not 'exit': by then all output has been read.
    child.once('close', (code) => {
      process.off('exit', killNow);
      resolve(code);
    });
  });
  const collected = collectOutput(child);
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };
  const kill = async () => void (await end('SIGKILL'));
  const listening = firstLine(child).then(async (line) => {
    const startMs = performance.now() - startedAt;
    if (line === undefined) {
      const code = await exited;
      throw new ServerProcessError(
        `the server ended with ${code} before it listened: ${collected().stderr.slice(-4000)}`,
      );
    }
    const { url, adminTokenFile } = JSON.parse(line) as { url: string; adminTokenFile: string };
    return { url, adminTokenFile, pid: child.pid!, startMs, output: collected, kill, stop: () => end('SIGTERM') };
  });
  // Whoever kills a server on its way up does not care that it never listened.
  listening.catch(() => undefined);
  return { listening, kill };
}

function collectOutput(child: ChildProcess): ServerProcess['output'] {
  const collected = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      collected[name] += text;
    });
  }
  return () => ({ ...collected });
}

function firstLine(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: child.stdout! });
    lines.once('line', resolve);
    lines.once('close', () => resolve(undefined));
  });
}
