/** The spool as a whole: what is opened, in which order, and closed again. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from '../store/errors.ts';
import { lockDirectory } from '../store/sqlite/database.ts';
import { SpoolError } from './errors.ts';
import { Folders } from './folders.ts';
import type { SpoolLog } from './log.ts';
import { Courier } from './notices/courier.ts';
import type { Notifier } from './notices/notice.ts';
import type { Run } from './run.ts';
import { ServerClient } from './server-client.ts';
import type { SpoolSettings } from './settings.ts';
import { Spooler } from './spooler.ts';
import { SpoolStore } from './store.ts';
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
  finished: (run: Run) => void;
  progress: WorkerOptions['progress'];
  overrides?: {
    clock?: Clock;
    store?: (store: SpoolStore) => SpoolStore;
    folders?: (folders: Folders) => Folders;
    gateMs?: number;
  };
}

export interface Spool {
  /** Finishes what an earlier process began, then one pass over what is there. @throws SpoolError */
  once(): Promise<void>;
  /** The same, and then whatever comes, until the signal. @throws SpoolError */
  watch(): Promise<void>;
  close(): void;
}

const MEMORY = '.tidemark';

/** @throws SpoolError `in-use`, `other-filesystem`, `disk-failed` */
export function openSpool(options: SpoolOptions): Spool {
  const { settings, log, overrides = {} } = options;
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  const folders = new Folders(settings.dir);
  const dir = join(settings.dir, MEMORY);
  mkdirSync(dir, { recursive: true });
  const lock = lockSpool(dir, settings.dir);
  const opened = new SpoolStore(dir);
  const parts = assemble(
    { ...options, signal },
    overrides.store?.(opened) ?? opened,
    overrides.folders?.(folders) ?? folders,
  );
  const { spooler, courier } = parts;
  return {
    once: () =>
      beside(courier, ending, async () => {
        await spooler.recover();
        await spooler.once();
        await deliveredWithin(courier, settings.notifyWaitMs, { ...options, signal });
      }),
    watch: () =>
      beside(courier, ending, async () => {
        await spooler.recover();
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
  const server = { url, source, token, readToken, clock, log, signal };
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
async function beside(courier: Courier, ending: AbortController, work: () => Promise<void>): Promise<void> {
  const telling = courier.start();
  const working = work();
  try {
    await Promise.race([working, telling.then(() => working)]);
  } finally {
    ending.abort();
    await Promise.allSettled([working, telling]);
  }
}

async function deliveredWithin(courier: Courier, ms: number, { log, signal }: SpoolOptions): Promise<void> {
  const late = Promise.withResolvers<'late'>();
  const giveUp = () => late.resolve('late');
  const timer = setTimeout(giveUp, ms);
  signal.addEventListener('abort', giveUp);
  const outcome = await Promise.race([late.promise, courier.idle()]);
  clearTimeout(timer);
  signal.removeEventListener('abort', giveUp);
  if (outcome === 'late') log.warn({}, 'notifications wait in the outbox; the next tidemark spool delivers them');
}

function lockSpool(dir: string, spool: string): { release(): void } {
  try {
    return lockDirectory(dir);
  } catch (cause) {
    if (!(cause instanceof StoreError) || cause.code !== 'in-use') throw cause;
    throw new SpoolError('in-use', `another tidemark spool works on ${spool}; stop it first`, { cause });
  }
}
