/** The second verifier, written in another language from the contracts alone. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, type TestContext } from 'vitest';

const VERIFIER = join(import.meta.dirname, '../../../proof/test/independent/verify.py');
const MINIMUM = [3, 11] as const;
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

export interface Verdict {
  valid: boolean;
  reason?: string;
  detail?: string;
  level?: string;
  trusted?: string[];
}

/** Pins and permissions, as the command line has them. */
export interface PythonOptions {
  dev?: boolean;
  logKey?: string;
  publisher?: string;
  minConfs?: number;
}

/** Skips the test with a message where there is no Python; where services are required it fails. */
export function needsPython({ skip }: TestContext): void {
  const found = pythonVersion();
  const enough = found !== undefined && (found[0] > MINIMUM[0] || (found[0] === MINIMUM[0] && found[1] >= MINIMUM[1]));
  const missing = `no python3 of ${MINIMUM.join('.')} or later: the independent verifier was not run`;
  if (process.env.REQUIRE_SERVICES === '1') expect(enough, missing).toBe(true);
  skip(!enough, missing);
}

function pythonVersion(): [number, number] | undefined {
  const { stdout } = spawnSync('python3', ['--version'], { encoding: 'utf8' });
  const match = /^Python (\d+)\.(\d+)/.exec(stdout ?? '');
  return match === null ? undefined : [Number(match[1]), Number(match[2])];
}

/** One verdict for each proof, in order. */
export async function verifyInPython(proofs: readonly unknown[], options: PythonOptions): Promise<Verdict[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-proofs-'));
  const file = join(folder, 'proofs.json');
  try {
    writeFileSync(file, JSON.stringify(proofs));
    const verdicts = (await run([...flags(options), '--batch', file])).map((line) => JSON.parse(line) as Verdict);
    expect(verdicts.length).toBe(proofs.length);
    return verdicts;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function flags({ dev, logKey, publisher, minConfs }: PythonOptions): string[] {
  return [
    ...(dev === true ? ['--dev'] : []),
    ...(logKey === undefined ? [] : ['--log-key', logKey]),
    ...(publisher === undefined ? [] : ['--publisher', publisher]),
    ...(minConfs === undefined ? [] : ['--min-confs', String(minConfs)]),
  ];
}

/** Exit code 1 says that some are invalid, which the lines say too. */
async function run(args: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)('python3', [VERIFIER, ...args], { maxBuffer: MAX_OUTPUT_BYTES }).catch(
    (error: Error & { code?: unknown; stdout: string }) => {
      if (error.code === 1) return error;
      throw error;
    },
  );
  return stdout.trimEnd().split('\n');
}
