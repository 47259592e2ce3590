/** The golden files in every runtime that the verifier is for: this one, Deno, and a real browser. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { describe, expect, it, type TestContext } from 'vitest';
import { goldenTable } from './golden.ts';
import { disagreements, type GoldenTable } from './golden-table.ts';

const PACKAGE = join(import.meta.dirname, '..');
const TABLE_MODULE = join(import.meta.dirname, 'golden-table.ts');
const DENO = join(PACKAGE, '../../node_modules/.bin/deno');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const PATIENCE_MS = 60_000;

const table = goldenTable();
/** With one report and one reason falsified: what a runtime has to notice. */
const falsified: GoldenTable = {
  proofs: table.proofs.map((one) => (one.name === 'record' ? { ...one, report: { ...one.report, index: 99 } } : one)),
  tampered: table.tampered.map((one, i) => (i === 0 ? { ...one, reason: 'unanchored' } : one)),
};
const noticed = [/^record format: .*"reason":"unanchored"/, /^record, known: .*"index":99/, /^record: .*"index":99/];

/** Skips with a message where a part is missing; where services are required it fails. */
function needs(there: boolean, missing: string, { skip }: TestContext): void {
  if (process.env.REQUIRE_SERVICES === '1') expect(there, missing).toBe(true);
  skip(!there, missing);
}

function expectBoth(right: string[], wrong: string[]): void {
  expect(right).toEqual([]);
  expect(wrong.sort()).toEqual(noticed.map((line) => expect.stringMatching(line)));
}

describe('golden proofs', () => {
  it('are of every kind of leaf, and refused for every reason that a change of one value can have', () => {
    expect(table.proofs.map(({ name }) => name)).toEqual([
      ...['certified', 'control', 'cosigned', 'fused', 'header', 'quarantined', 'record', 'rollup-salted'],
    ]);
    expect([...new Set(table.tampered.map(({ reason }) => reason))].sort()).toEqual([
      ...['inclusion-mismatch', 'insufficient-work', 'invalid-block-header', 'invalid-merkle-path', 'malformed'],
      ...['manifest-mismatch', 'payload-mismatch', 'signature-invalid', 'tx-does-not-commit'],
      ...['txid-mismatch-rawtx-vs-proof', 'txid-mismatch-top-level-vs-proof'],
    ]);
  });

  it('have their reports here', () => {
    expectBoth(disagreements(table), disagreements(falsified));
  });

  it(
    'have the same in Deno, which reads the sources as they are',
    (context) => {
      needs(existsSync(DENO), 'no deno among the installed packages: run npm install', context);
      expectBoth(inDeno(table), inDeno(falsified));
    },
    PATIENCE_MS,
  );

  it(
    'have the same in a browser',
    async (context) => {
      needs(existsSync(CHROMIUM), `no browser at ${CHROMIUM}: scripts/install-services.sh installs it`, context);
      const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
      try {
        const page = await browser.newPage();
        await page.addScriptTag({ content: await bundled() });
        const run = (of: GoldenTable) =>
          page.evaluate(`golden.disagreements(${JSON.stringify(of)})`) as Promise<string[]>;
        expectBoth(await run(table), await run(falsified));
      } finally {
        await browser.close();
      }
    },
    PATIENCE_MS,
  );
});

/** No network, no permission: only the modules that it imports. */
function inDeno(of: GoldenTable): string[] {
  const cache = mkdtempSync(join(tmpdir(), 'tidemark-deno-'));
  const flags = ['--no-remote', '--no-prompt', '--no-lock', '--node-modules-dir=manual', '--ext=ts'];
  const input = `
    import { disagreements } from ${JSON.stringify(pathToFileURL(TABLE_MODULE).href)};
    console.log(JSON.stringify(disagreements(${JSON.stringify(of)})));`;
  const env = { PATH: process.env.PATH, DENO_DIR: cache, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' };
  const run = spawnSync(DENO, ['run', ...flags, '-'], { input, env, cwd: PACKAGE, encoding: 'utf8' });
  rmSync(cache, { recursive: true });
  expect([run.status, run.stderr]).toEqual([0, '']);
  return JSON.parse(run.stdout) as string[];
}

/** One script that sets the global `golden`. */
async function bundled(): Promise<string> {
  const lib = { entry: TABLE_MODULE, formats: ['iife' as const], name: 'golden' };
  const built = await build({ configFile: false, logLevel: 'error', build: { lib, write: false } });
  const [bundle] = [built].flat();
  const chunk = bundle !== undefined && 'output' in bundle ? bundle.output[0] : undefined;
  expect(chunk?.type).toBe('chunk');
  return chunk?.type === 'chunk' ? chunk.code : '';
}
