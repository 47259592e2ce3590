/** The spool as a whole: what is opened, in which order, and closed again. */

import { hash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { StoreError } from '../store/errors.ts';
import { lockDirectory } from '../store/sqlite/database.ts';
import { SpoolError } from './errors.ts';
import { Folders } from './folders.ts';
import type { SpoolLog } from './log.ts';
import { Courier } from './notices/courier.ts';
import type { Notifier } from './notices/notice.ts';
import { ServerClient } from './server-client.ts';
import type { SpoolSettings } from './settings.ts';
import { Spooler, type SpoolerOptions } from './spooler.ts';
import { SpoolStore, type Waiting } from './store.ts';
import { CLOCK, type Clock } from './waiting.ts';
import { Watching } from './watching.ts';
import { Worker, type WorkerOptions } from './worker.ts';

export interface SpoolOptions {
  settings: SpoolSettings;
  /** The source's secret. */
  token: string | undefined;
  /** The server's admin token, where it is known. */
  readToken: string | undefined;
  notifier: Notifier;
  log: SpoolLog;
  signal: AbortSignal;
  finished: SpoolerOptions['finished'];
  progress: WorkerOptions['progress'];
  overrides?: {
    clock?: Clock;
    store?: (store: SpoolStore) => SpoolStore;
    folders?: (folders: Folders) => Folders;
    gateMs?: number;
  };
}

export interface Spool {
  /**
   * Finishes what an earlier process began, then one pass over what is there.
   * @returns what has not been told by then, by the tag of its batch
   * @throws SpoolError
   */
  once(): Promise<ReadonlyMap<string, Waiting>>;
  /** The same, and then whatever comes, until the signal. @throws SpoolError */
  watch(): Promise<void>;
  close(): void;
}

const MEMORY = '.tidemark';

/** @throws SpoolError `no-folder`, `in-use`, `other-filesystem`, `disk-failed` */
export function openSpool(options: SpoolOptions): Spool {
  const { settings, log, overrides = {} } = options;
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  const folders = new Folders(settings.dir);
  const dir = join(settings.dir, MEMORY);
  mkdirSync(dir, { recursive: true });
  const lock = lockSpool(dir, settings.dir);
  const opened = new SpoolStore(dir);
  const store = overrides.store?.(opened) ?? opened;
  const parts = assemble({ ...options, signal }, store, overrides.folders?.(folders) ?? folders);
  const { spooler, courier } = parts;
  return {
    once: () =>
      beside(courier.start({ watchesGates: false }), ending, async () => {
        await spooler.recover();
        await spooler.once();
        await deliveredWithin(courier, settings.notifyWaitMs, signal);
        const outbox = store.outbox();
        warnOf(outbox, courier.trouble, options);
        return outbox;
      }),
    watch: () =>
      beside(courier.start({ watchesGates: true }), ending, async () => {
        const watching = new Watching(folders.incoming, signal, log);
        try {
          await spooler.watch((ms) => watching.news(ms));
        } finally {
          watching.close();
        }
      }),
    close: () => {
      opened.close();
      lock.release();
    },
  };
}

function assemble(
  { settings, token, readToken, notifier, log, signal, finished, progress, overrides = {} }: SpoolOptions,
  store: SpoolStore,
  folders: Folders,
): { spooler: Spooler; courier: Courier } {
  const clock = overrides.clock ?? CLOCK;
  const { url, source, giveUpAfterMs, maxFileBytes } = settings;
  // The same at each start, and another for each folder.
  const owner = hash('sha256', `${hostname()}\n${settings.dir}`, 'hex').slice(0, 32);
  const server = { url, source, owner, token, readToken, clock, log, signal };
  const client = new ServerClient({ ...server, giveUpAfterMs });
  const patient = new ServerClient({ ...server, giveUpAfterMs: undefined });
  const { gateMs } = overrides;
  const courier = new Courier({
    ...{ store, notifier, client: patient, clock, log, signal },
    ...(gateMs === undefined ? {} : { gateMs }),
  });
  const told = () => courier.kick();
  const worker = new Worker({ store, folders, client, clock, log, maxFileBytes, signal, told, progress });
  return { courier, spooler: new Spooler({ settings, store, folders, client, worker, clock, log, signal, finished }) };
}

/** Whichever of the two fails ends the other; when this settles, both have ended. */
async function beside<T>(telling: Promise<unknown>, ending: AbortController, work: () => Promise<T>): Promise<T> {
  const working = work();
  try {
    return await Promise.race([working, telling.then(() => working)]);
  } finally {
    ending.abort();
    await Promise.allSettled([working, telling]);
  }
}

/** Settles when all is told but what is held by a batch that is still locked, and after `ms` at the latest. */
async function deliveredWithin(courier: Courier, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  const stop = () => late.resolve();
  signal.addEventListener('abort', stop);
  await Promise.race([late.promise, courier.lookAtGates().then(() => courier.idle())]);
  clearTimeout(timer);
  signal.removeEventListener('abort', stop);
}

function warnOf(outbox: ReadonlyMap<string, Waiting>, trouble: string | undefined, { notifier, log }: SpoolOptions) {
  const left = [...outbox.values()].reduce((sum, { undelivered }) => sum + undelivered, 0);
  if (left === 0) return;
  const what = left === 1 ? 'a notification waits' : `${left} notifications wait`;
  const why = trouble ?? `${notifier.target} has not answered yet`;
  log.warn({ undelivered: left }, `${what} in the outbox, and the next tidemark spool sends what is left: ${why}`);
}

function lockSpool(dir: string, spool: string): { release(): void } {
  try {
    return lockDirectory(dir);
  } catch (cause) {
    if (!(cause instanceof StoreError) || cause.code !== 'in-use') throw cause;
    throw new SpoolError('in-use', `another tidemark spool works on ${spool}; stop it first`, { cause });
  }
}
