/** Looks at `incoming/`, makes runs of what is finished there, and takes each to its end. */
import { join } from 'node:path';
import { BATCH_TAG } from '../batch-mark.ts';
import { isFault, isNotAdmitted } from './errors.ts';
import type { Folders, SeenFile } from './folders.ts';
import { type Format, formatOf, type Head, NO_HEAD } from './formats/format.ts';
import { headOf } from './formats/open.ts';
import type { SpoolLog } from './log.ts';
import { defaultTag, freeTag, type Run } from './run.ts';
import type { ServerClient } from './server-client.ts';
import type { SpoolSettings } from './settings.ts';
import { Settling } from './settling.ts';
import type { SpoolStore } from './store.ts';
import type { Clock } from './waiting.ts';
import type { Findings, Worker } from './worker.ts';

export interface SpoolerOptions {
  settings: Pick<SpoolSettings, 'batchTag' | 'pii' | 'minBytes' | 'minFiles' | 'pollMs' | 'settleMs' | 'maxFileBytes'>;
  store: SpoolStore;
  folders: Folders;
  client: ServerClient;
  worker: Worker;
  clock: Clock;
  log: SpoolLog;
  signal: AbortSignal;
  /** A run is done. */
  finished: (run: Run, findings: Findings) => void;
}

/** An operator who has to act is told so once in this time. */
const SAY_MS = 60_000;

/** Files that go into one run. */
interface Group {
  tag: string | undefined;
  pii: boolean;
  files: SeenFile[];
}

export class Spooler {
  readonly #options: SpoolerOptions;
  readonly #settling: Settling;
  readonly #leftAlone = new Set<string>();
  #adopted = false;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(options: SpoolerOptions) {
    this.#options = options;
    this.#settling = new Settling(options.settings.settleMs);
  }

  /** What an earlier process left unfinished, first of all. @throws SpoolError, here and below */
  async recover(): Promise<void> {
    const { store, client, log } = this.#options;
    if (!this.#adopted) await this.#adopt();
    this.#adopted = true;
    for (const run of store.unfinished()) {
      // A run that the server is through with needs it no more.
      if (run.state !== 'certified') await client.hasBatch(run.tag);
      log.info({ batchTag: run.tag, state: run.state }, 'going on with a run');
      await this.#finish(run);
    }
  }

  /** One pass over what is there, whatever the thresholds say. */
  async once(): Promise<void> {
    const { clock, settings, folders, log, signal } = this.#options;
    const { unsettled } = await this.#look();
    // A clock and a timer do not round alike.
    if (unsettled > 0) await clock.wait(settings.settleMs + 5, signal);
    const { settled, unsettled: growing } = await this.#look();
    if (growing > 0) log.warn({ files: growing }, 'files are still being written to; they are left alone');
    else if (settled.length === 0) log.info({}, `nothing in ${folders.incoming}`);
    await this.#process(settled);
  }

  /** What is unfinished, then whatever comes, until it is told to stop. @param awaitNews settles on a change in `incoming/`, and after `ms` at the latest */
  async watch(awaitNews: (ms: number) => Promise<void>): Promise<void> {
    const { settings, signal } = this.#options;
    let recovered = false;
    while (!signal.aborted) {
      const admitted = await this.#admitted(async () => {
        if (!recovered) await this.recover();
        recovered = true;
        await this.#round(awaitNews);
      });
      if (!admitted) await awaitNews(settings.pollMs);
    }
  }

  async #round(awaitNews: (ms: number) => Promise<void>): Promise<void> {
    const { settings } = this.#options;
    const { settled, unsettled } = await this.#look();
    const bytes = settled.reduce((sum, { size }) => sum + size, 0);
    const due = settled.length > 0 && (bytes >= settings.minBytes || settled.length >= settings.minFiles);
    if (due) await this.#process(settled);
    else await awaitNews(unsettled > 0 ? Math.min(settings.pollMs, settings.settleMs + 5) : settings.pollMs);
  }

  /** @returns false where the server does not let it begin: that is for the operator to mend, and files wait */
  async #admitted(work: () => Promise<void>): Promise<boolean> {
    const { clock, log } = this.#options;
    try {
      await work();
      return true;
    } catch (error) {
      if (!isNotAdmitted(error)) throw error;
      if (clock.monotonic() - this.#saidAt >= SAY_MS) {
        this.#saidAt = clock.monotonic();
        log.error({}, `nothing is replayed, and files stay where they are: ${error.message}`);
      }
      return false;
    }
  }

  async #look(): Promise<{ settled: SeenFile[]; unsettled: number }> {
    const { folders, clock, log } = this.#options;
    const { files, unknown, others } = await folders.list();
    const alone = [
      ...unknown.map((name) => [name, 'a file of no format that is known; it stays where it is'] as const),
      ...others.map((name) => [name, 'a folder or a link, and no file; it stays where it is'] as const),
    ];
    for (const [name, message] of alone) {
      if (this.#leftAlone.has(name)) continue;
      this.#leftAlone.add(name);
      log.warn({ file: name }, `${name}: ${message}`);
    }
    return this.#settling.look(files, clock.monotonic());
  }

  async #process(files: readonly SeenFile[]): Promise<void> {
    const { settings, store, clock, log } = this.#options;
    for (const { tag, pii, files: grouped } of await this.#grouped(files)) {
      const now = clock.now();
      const wanted = settings.batchTag ?? tag ?? defaultTag(new Date(now));
      const free = await freeTag(wanted, (candidate) => this.#isTaken(candidate));
      const run = store.plan({ tag: free, pii: pii || settings.pii, createdAt: now, files: grouped });
      log.info({ batchTag: free, files: grouped.length }, 'a run begins');
      await this.#finish(run);
    }
  }

  /** By the tag that files themselves name; those that name none go together. */
  async #grouped(files: readonly SeenFile[]): Promise<Group[]> {
    const groups = new Map<string | undefined, Group>();
    for (const file of files) {
      const head = await this.#headOf(file);
      const tag = this.#options.settings.batchTag === undefined ? head.batchTag : undefined;
      const group = groups.get(tag) ?? { tag, pii: false, files: [] };
      group.files.push(file);
      if (head.pii) group.pii = true;
      groups.set(tag, group);
    }
    return [...groups.values()];
  }

  async #headOf({ name }: SeenFile): Promise<Head> {
    const { folders, settings } = this.#options;
    const path = join(folders.incoming, name);
    try {
      return await headOf({ path, format: formatOf(name) as Format, maxBytes: settings.maxFileBytes });
    } catch (error) {
      // It fails its run when its turn comes, with its reason.
      if (isFault(error)) return NO_HEAD;
      throw error;
    }
  }

  async #isTaken(tag: string): Promise<boolean> {
    const { store, folders, client } = this.#options;
    return store.hasTag(tag) || folders.hasTag(tag) || client.hasBatch(tag);
  }

  async #finish(run: Run): Promise<void> {
    const done = await this.#options.worker.finish(run);
    if (done !== undefined) this.#options.finished(done.run, done.findings);
  }

  /** Folders in `processing/` that the database does not know: it is lost, or another program made them. */
  async #adopt(): Promise<void> {
    const { folders, store, settings, clock, log } = this.#options;
    const known = new Set(store.unfinished().map(({ tag }) => tag));
    for (const tag of folders.inProcess()) {
      if (known.has(tag)) continue;
      const files = (await folders.filesOf(tag)).filter(({ name }) => formatOf(name) !== undefined);
      if (!BATCH_TAG.test(tag) || store.hasTag(tag) || files.length === 0) {
        log.error({ folder: folders.path('processing', tag) }, 'a folder that belongs to no run; it is left alone');
        continue;
      }
      log.warn({ batchTag: tag, files: files.length }, 'a run that is not in the database is taken up');
      store.plan({ tag, pii: settings.pii, createdAt: clock.now(), files });
    }
  }
}
