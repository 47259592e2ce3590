/** A server for the tests of one file: settings in, a URL out, and an orderly end. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { type ServerProcess, start } from '../support/server-process.ts';
import { get, type Json } from './client.ts';

/** For a machine that others use, too; on an idle one no test takes ten seconds. */
const PATIENCE_MS = 30_000;
vi.setConfig({ testTimeout: 2 * PATIENCE_MS, hookTimeout: 2 * PATIENCE_MS });

/** Waits until `check` no longer throws. */
export function eventually<T>(check: () => T | Promise<T>, interval = 10): Promise<T> {
  return vi.waitFor(check, { timeout: PATIENCE_MS, interval });
}

/** Cuts a packet as soon as there is anything to cut. */
export const AT_ONCE = { mode: 'live', maxAgeMs: 10 };
/** Cuts none for as long as a test can take. */
export const NEVER = { mode: 'batch', maxAgeMs: 86_400_000 };

export interface Running {
  readonly url: string;
  readonly dataDir: string;
  readonly process: ServerProcess;
}

/** One server from before the first test of the file (or of the `describe`) until after the last. */
export function useServer(settings: object = {}): Running {
  const holder: { process?: ServerProcess; dataDir?: string } = {};
  beforeAll(async () => {
    holder.dataDir = makeDataDir();
    holder.process = await startWith(holder.dataDir, settings);
  });
  afterAll(async () => {
    const code = await holder.process?.stop();
    if (holder.dataDir !== undefined) removeDataDir(holder.dataDir);
    expect(code).toBe(0);
  });
  return {
    get url() {
      return this.process.url;
    },
    get dataDir() {
      return holder.dataDir!;
    },
    get process() {
      return holder.process!;
    },
  };
}

export function makeDataDir(): string {
  return mkdtempSync(join(tmpdir(), 'tidemark-http-'));
}

export function removeDataDir(dataDir: string): void {
  rmSync(dataDir, { recursive: true, force: true });
  rmSync(configFile(dataDir), { force: true });
}

/** @param settings as in `tidemark.config.json` */
export function startWith(dataDir: string, settings: object): Promise<ServerProcess> {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(configFile(dataDir), JSON.stringify(settings));
  return start(dataDir, {}, ['--config', configFile(dataDir)]);
}

function configFile(dataDir: string): string {
  return `${dataDir}.json`;
}

/** The event once it is in a sealed packet, certified or quarantined. */
export async function settled(url: string, eventId: string): Promise<Json> {
  return eventually(async () => {
    const { status, body } = await get(url, `/ingest/events/${eventId}`);
    expect(status).toBe(200);
    expect(body.status).not.toBe('received');
    return body;
  });
}

/** The proof file once it has an anchor. */
export async function anchoredProof(url: string, eventId: string): Promise<Json> {
  return eventually(async () => {
    const { status, body } = await get(url, `/ingest/events/${eventId}/proof`);
    expect(status).toBe(200);
    expect(body.anchor).not.toBeNull();
    return body;
  }, 25);
}

/** All items of `/feed`, page by page, in log order. */
export async function wholeFeed(url: string, query = '', limit = 1000): Promise<Json[]> {
  const items: Json[] = [];
  for (let cursor = ''; ; ) {
    const { status, body } = await get(url, `/feed?limit=${limit}${query}${cursor}`);
    expect(status).toBe(200);
    if (body.items.length === 0) return items;
    items.push(...body.items);
    cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`;
  }
}

export interface PacketLine {
  leaf: Json;
  payload?: Json;
}

/** Lines of all sealed packets on disk, a packet's in order; rollups, which lie beside them, have none. */
export function packetLines(dataDir: string): PacketLine[] {
  const dir = join(dataDir, 'packets');
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ndjson'));
  return files
    .filter((file) => !file.startsWith('unfinished'))
    .flatMap((file) => readFileSync(join(dir, file), 'utf8').trimEnd().split('\n'))
    .map((line) => JSON.parse(line) as PacketLine)
    .filter((line) => 'leaf' in line);
}

/** Publisher and log key as the header leaf of a stream names them: what a stranger pins. */
export function pinsOf(dataDir: string, stream: string): { publisher: string; logKey: string } {
  const header = packetLines(dataDir).find(({ leaf }) => leaf.kind === 'header' && leaf.stream === stream);
  return { publisher: header?.leaf.publisher, logKey: header?.leaf.logKey };
}

/** Resident memory of a process in MiB; undefined where the system does not tell. */
export function residentMiB(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

/** One line for whoever reads the run; measurements are reported, not asserted. */
export function report(line: string): void {
  process.stdout.write(`    ${line}\n`);
}
