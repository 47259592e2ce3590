/** The client in every runtime that it is for: this one, Deno, and a real browser. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { AT_ONCE, pinsOf, settled, useServer } from '../../server/test/http/server.ts';
import { Tidemark } from '../src/index.ts';
import { type Outcome, type RoundTrip, roundTrip } from './round-trip.ts';

const PACKAGE = join(import.meta.dirname, '..');
const MODULE = join(import.meta.dirname, 'round-trip.ts');
const DENO = join(PACKAGE, '../../node_modules/.bin/deno');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

const server = useServer({ streams: [{ id: 'default', publish: AT_ONCE }] });
let pins: RoundTrip['pins'];
beforeAll(async () => {
  const { inserted } = await new Tidemark({ url: server.url }).publish([{ id: 'first' }]);
  await settled(server.url, inserted[0]!);
  const { publisher, logKey } = pinsOf(server.dataDir, 'default');
  pins = { publisher, logKeys: [logKey] };
});

/** Skips with a message where a part is missing; where services are required it fails. */
function needs(there: boolean, missing: string, { skip }: TestContext): void {
  if (process.env.REQUIRE_SERVICES === '1') expect(there, missing).toBe(true);
  skip(!there, missing);
}

function tripOf(runtime: string): RoundTrip {
  return { url: server.url, ids: ['a', 'b', 'c'].map((id) => `${runtime}-${id}`), pins };
}

function expectWhole(outcome: Outcome): void {
  const { inserted } = outcome;
  expect(inserted).toHaveLength(3);
  expect(outcome).toEqual({ inserted, sse: inserted, websocket: inserted, feed: inserted, valid: true });
}

describe('publish, watch over both transports, feed and verify', () => {
  it('work here', async () => {
    expectWhole(await roundTrip(tripOf('node')));
  });

  it('work in Deno, which reads the sources as they are', async (context) => {
    needs(existsSync(DENO), 'no deno among the installed packages: run npm install', context);
    expectWhole(await inDeno(tripOf('deno')));
  });

  it('work in a browser', async (context) => {
    needs(existsSync(CHROMIUM), `no browser at ${CHROMIUM}: scripts/install-services.sh installs it`, context);
    const script = await bundled();
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      // A page of the server's own: requests to it are of the same origin.
      await page.goto(`${server.url}/health`);
      await page.evaluate(script);
      const run = page.evaluate(`client.roundTrip(${JSON.stringify(tripOf('browser'))})`);
      expectWhole((await run) as Outcome);
    } finally {
      await browser.close();
    }
  });
});

it('is bundled without a part of Node', async () => {
  const script = await bundled();
  expect(script).toContain('/ingest/events');
  expect(script).not.toMatch(/__vite-browser-external|\bnode:[a-z]/);
});

/** Nothing but the network of this machine is permitted. */
async function inDeno(trip: RoundTrip): Promise<Outcome> {
  const cache = mkdtempSync(join(tmpdir(), 'tidemark-deno-'));
  const flags = ['--no-remote', '--no-prompt', '--no-lock', '--node-modules-dir=manual', '--ext=ts'];
  const env = { PATH: process.env.PATH, DENO_DIR: cache, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' };
  const child = spawn(DENO, ['run', ...flags, '--allow-net=127.0.0.1', '-'], { env, cwd: PACKAGE });
  child.stdin.end(`
    import { roundTrip } from ${JSON.stringify(pathToFileURL(MODULE).href)};
    console.log(JSON.stringify(await roundTrip(${JSON.stringify(trip)})));`);
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  rmSync(cache, { recursive: true });
  expect(errors).toBe('');
  return JSON.parse(output) as Outcome;
}

/** One script, as a page would have it. */
async function bundled(): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    build: { lib: { entry: MODULE, name: 'client', formats: ['iife'] }, write: false, minify: false },
  });
  const [output] = [result].flat() as { output: { code?: string }[] }[];
  // A declaration would stay within the evaluation.
  return `${output?.output[0]?.code ?? ''};globalThis.client = client;`;
}
