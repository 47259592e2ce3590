/** A spool in a folder of its own, on a stand-in server, and what should be true of it at the end. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach } from 'vitest';
import type { SpoolLog } from '../../src/spool/log.ts';
import { publishNotifier } from '../../src/spool/notices/requests.ts';
import type { Run } from '../../src/spool/run.ts';
import { type Environment, readSpoolSettings } from '../../src/spool/settings.ts';
import { openSpool, type Spool, type SpoolOptions } from '../../src/spool/spool.ts';
import { CLOCK, type Clock } from '../../src/spool/waiting.ts';
import { Directories } from '../support/directories.ts';
import { StandIn } from './stand-in.ts';

export const QUIET: SpoolLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Waits are short, and as many as are wanted. */
export const HASTY: Clock = {
  ...CLOCK,
  wait: (ms, signal) => CLOCK.wait(Math.min(ms, 5), signal),
};

/** As the operator has set the target. */
export const EDGE = { url: 'EDGE_URL', token: 'EDGE_TOKEN' };

/** A stand-in server and a folder of its own for each test of a file. */
export function useSpool(take: (server: StandIn, dir: string) => void): void {
  const directories = new Directories();
  let server: StandIn;
  beforeEach(async () => {
    server = new StandIn();
    await server.listen();
    take(server, directories.next());
  });
  afterEach(() => server.close());
  afterAll(() => directories.remove());
}

export interface Opened {
  spool: Spool;
  runs: Run[];
  stop: AbortController;
}

export interface OpenOptions {
  env?: Environment;
  overrides?: NonNullable<SpoolOptions['overrides']>;
  notifier?: SpoolOptions['notifier'];
  log?: SpoolLog;
}

export function openOn(server: Pick<StandIn, 'url'>, dir: string, options: OpenOptions = {}): Opened {
  const env = { SPOOL_DIR: dir, SPOOL_URL: server.url, SPOOL_SETTLE_MS: '1', ...options.env };
  const settings = readSpoolSettings({}, env);
  const stop = new AbortController();
  const runs: Run[] = [];
  const spool = openSpool({
    settings,
    token: undefined,
    readToken: undefined,
    notifier:
      options.notifier ??
      publishNotifier({ url: `${server.url}/event-publish`, token: 'edge', timeoutMs: 5000, names: EDGE }),
    log: options.log ?? QUIET,
    signal: stop.signal,
    finished: (run) => runs.push(run),
    progress: () => undefined,
    overrides: { clock: HASTY, gateMs: 5, ...options.overrides },
  });
  return { spool, runs, stop };
}

/** One pass, as `tidemark spool --once`. */
export async function once(server: Pick<StandIn, 'url'>, dir: string, options: OpenOptions = {}): Promise<Run[]> {
  const { spool, runs } = openOn(server, dir, options);
  try {
    await spool.once();
  } finally {
    spool.close();
  }
  return runs;
}

export function put(dir: string, name: string, content: string | Uint8Array): void {
  mkdirSync(join(dir, 'incoming'), { recursive: true });
  writeFileSync(join(dir, 'incoming', name), content);
}

export function ndjson(texts: readonly string[]): string {
  return texts.map((text) => `${JSON.stringify({ text })}\n`).join('');
}

/** Every file in the spool's folders, by its path in it. */
export function tree(dir: string): string[] {
  return ['incoming', 'processing', 'archive', 'failed'].flatMap((place) =>
    existsSync(join(dir, place))
      ? readdirSync(join(dir, place), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
      : [],
  );
}

export function content(dir: string, path: string): string {
  return readFileSync(join(dir, path), 'utf8');
}

/** What was told of each batch, in order, each thing once. */
export function told(server: StandIn): Record<string, string[]> {
  const batches: Record<string, string[]> = {};
  for (const { message } of server.published) {
    const { batch_tag: tag, event } = message as { batch_tag: string; event: string };
    batches[tag] ??= [];
    if (!batches[tag].includes(event)) batches[tag].push(event);
  }
  return batches;
}
