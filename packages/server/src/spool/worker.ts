/**
 * Takes one run from where it is to its end. Each step does its work and then commits that it is done; so a process
 * that comes after a crash begins with the step that was under way, and every step may be done twice.
 */
import { join } from 'node:path';
import { RefusedError } from './errors.ts';
import type { Folders } from './folders.ts';
import type { SpoolLog } from './log.ts';
import { embedStart, gateDone, gateOpen } from './notices/notice.ts';
import { NOT_OPEN, type ReplayOptions, replay } from './replay.ts';
import { freeName, reasonText, rejectionsText } from './reports.ts';
import { type Counts, plus, type Run, type RunFile, type Status } from './run.ts';
import type { Batch, ServerClient } from './server-client.ts';
import type { SpoolStore } from './store.ts';
import { type Clock, stopped } from './waiting.ts';

export interface WorkerOptions {
  store: SpoolStore;
  folders: Folders;
  client: ServerClient;
  clock: Clock;
  log: SpoolLog;
  maxFileBytes: number;
  signal: AbortSignal;
  /** There are new notices. */
  told: () => void;
  progress: (run: Run, files: readonly RunFile[], chunk: Parameters<ReplayOptions['progress']>[0]) => void;
}

/** What its end is told with; it is not kept, so a process that comes after a crash knows of the last steps alone. */
export interface Findings {
  /** Where it is written which records were refused, and why. */
  rejectedFile?: string;
  quarantined?: number;
}

const REJECTED = 'rejected.ndjson';
const CERTIFIED_WAIT_MS = 30_000;
/** Between two questions to a server that does not hold its answer back. */
const ASK_AGAIN_MS = 250;
/** Longest that a server takes. */
const MAX_REASON = 1000;

export class Worker {
  readonly #options: WorkerOptions;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /**
   * @returns undefined when none of its files is there any more
   * @throws SpoolError `stopped`, `gave-up`, or of the disk: the run stays where it is, and is gone on with
   */
  async finish(begun: Run): Promise<{ run: Run; findings: Findings } | undefined> {
    const findings: Findings = {};
    let run: Run | undefined = begun;
    while (run !== undefined && run.state !== 'done') run = await this.#step(run, findings);
    return run && { run, findings };
  }

  #step(run: Run, findings: Findings): Promise<Run | undefined> | Run {
    switch (run.state) {
      case 'planned':
        return this.#move(run);
      case 'moved':
        return this.#open(run);
      case 'open':
        return this.#replay(run);
      case 'replayed':
        return this.#end(run);
      case 'ended':
        return this.#certify(run, findings);
      case 'certified':
        return this.#file(run, findings);
      case 'done':
        return run;
    }
  }

  async #move(run: Run): Promise<Run | undefined> {
    const { store, folders, log } = this.#options;
    const dropped: RunFile[] = [];
    for (const file of store.files(run)) {
      if (await folders.take(run.tag, file)) continue;
      log.warn({ batchTag: run.tag, file: file.name }, 'a file changed or went before it was taken; it is left out');
      dropped.push(file);
    }
    folders.syncTaken(run.tag);
    return store.moved(run, dropped);
  }

  async #open(run: Run): Promise<Run> {
    const { store } = this.#options;
    const notice = gateOpen(run, this.#dirOf(run), this.#seconds());
    const opened = await this.#openBatch(run, run.pii);
    const next =
      opened instanceof RefusedError ? store.refused(run, opened.message, notice) : store.opened(run, notice);
    this.#options.told();
    return next;
  }

  async #replay(run: Run): Promise<Run> {
    const { store, client, maxFileBytes, signal, progress, log } = this.#options;
    // The server may be another by now, or have been put back to an earlier state.
    const opened = await this.#openBatch(run, run.pii);
    if (opened instanceof RefusedError) return this.#fail(run, opened);
    const files = store.files(run);
    store.replaying(run);
    const lock = async () => {
      const answer = await this.#openBatch(run, true);
      if (answer instanceof RefusedError) throw answer;
      store.markPii(run);
      log.info({ batchTag: run.tag }, 'a record is marked pii: the batch is locked');
    };
    let outcome: Awaited<ReturnType<typeof replay>>;
    try {
      outcome = await replay({
        ...{ run, files, dir: this.#dirOf(run), maxFileBytes, store, client, lock, signal },
        progress: (chunk) => progress(run, files, chunk),
      });
    } catch (error) {
      if (!(error instanceof RefusedError) || error.error !== NOT_OPEN) throw error;
      log.warn({ batchTag: run.tag }, 'the batch is not open on the server any more; it is begun and sent once more');
      return store.rewind(run);
    }
    const { reason, counts } = outcome;
    const why = reason ?? this.#failure(run, plus(store.run(run.id).counts, counts));
    return store.replayed(run, { status: why === undefined ? 'success' : 'failed', reason: why, counts });
  }

  /** @returns what a run that has come to its end has failed by all the same */
  #failure(run: Run, { taken, rejected }: Counts): string | undefined {
    const files = this.#options.store.files(run);
    const faulty = files.filter(({ error }) => error !== null);
    if (faulty.length > 0) return `${faulty.length} of ${run.count} files cannot be read`;
    if (taken > 0 || rejected === 0) return undefined;
    return `every record was refused: ${this.#rejectedFile(run, files)} says why`;
  }

  #rejectedFile({ tag }: Run, files: readonly RunFile[]): string {
    return join(this.#options.folders.path('failed', tag), rejectedName(files));
  }

  async #end(run: Run): Promise<Run> {
    const { store } = this.#options;
    try {
      await this.#endBatch(run);
    } catch (error) {
      return this.#fail(run, error);
    }
    return store.ended(run);
  }

  #endBatch({ tag, status, reason, counts, resent }: Run): Promise<Batch> {
    const { taken: processed, duplicates, rejected } = counts;
    // What was sent twice is known to the rollup alone, which is made after this.
    const known = resent ? {} : { inserted: processed - duplicates, duplicates };
    return this.#options.client.end(tag, {
      status: status as Status,
      ...{ processed, ...known, rejected },
      ...(reason === null ? {} : { reason: reason.slice(0, MAX_REASON) }),
    });
  }

  async #certify(run: Run, findings: Findings): Promise<Run> {
    const { store, clock, signal } = this.#options;
    for (;;) {
      if (signal.aborted) throw stopped();
      let batch: Batch;
      try {
        batch = await this.#options.client.batch(run.tag, CERTIFIED_WAIT_MS);
      } catch (error) {
        return this.#fail(run, error);
      }
      if (batch.certified) {
        const { versionId, stream, locked, quarantined } = batch;
        findings.quarantined = quarantined ?? 0;
        const lost = lostOf(run, batch);
        if (lost !== undefined) return store.refused(run, lost, undefined);
        return store.certified(run, { versionId, stream, locked, duplicates: duplicatesOf(run, batch) });
      }
      await clock.wait(ASK_AGAIN_MS, signal);
    }
  }

  /** What the server has against the batch is its end, and its files show it. */
  #fail(run: Run, error: unknown): Run {
    if (!(error instanceof RefusedError)) throw error;
    return this.#options.store.refused(run, error.message, undefined);
  }

  #file(run: Run, findings: Findings): Run {
    const { store, folders, log } = this.#options;
    const files = store.files(run);
    const names = files.map(({ name }) => name);
    const place = run.status === 'success' ? 'archive' : 'failed';
    const missing = folders.file(run.tag, place, names);
    if (missing.length > 0) log.warn({ batchTag: run.tag, missing }, 'files of the run are gone');
    if (run.counts.rejected > 0) {
      const text = rejectionsText(store.rejections(run), files);
      folders.report(run.tag, rejectedName(files), text);
      findings.rejectedFile = this.#rejectedFile(run, files);
    }
    if (place === 'failed') folders.report(run.tag, freeName('REASON.txt', names), reasonText(run, files));
    if (!folders.removeEmpty(run.tag)) log.warn({ batchTag: run.tag }, 'something was added to processing/ by others');
    const ts = this.#seconds();
    const done = { message: gateDone(run, ts), held: false };
    const start = { message: embedStart(run, ts), held: run.locked };
    const next = store.done(run, run.status === 'success' ? [done, start] : [done]);
    this.#options.told();
    return next;
  }

  /** @returns the server's refusal; what it only puts off is waited for */
  async #openBatch(run: Run, pii: boolean): Promise<Batch | RefusedError> {
    const { tag, bytes, count } = run;
    try {
      return await this.#options.client.open(tag, { pii, spool: this.#dirOf(run), bytes, count });
    } catch (error) {
      if (error instanceof RefusedError) return error;
      throw error;
    }
  }

  #dirOf({ tag }: Run): string {
    return this.#options.folders.path('processing', tag);
  }

  #seconds(): number {
    return Math.floor(this.#options.clock.now() / 1000);
  }
}

function rejectedName(files: readonly RunFile[]): string {
  return freeName(
    REJECTED,
    files.map(({ name }) => name),
  );
}

/** A server that was put back to an earlier state within the batch has less than it acknowledged. */
function lostOf({ counts, resent, status }: Run, { records }: Batch): string | undefined {
  const due = counts.taken - counts.duplicates;
  if (resent || status !== 'success' || records === null || records >= due) return undefined;
  return `the server has ${records} of the ${due} records that it acknowledged as new: it was put back to an earlier state. Move the files back to incoming/`;
}

/**
 * What the server had before the batch. Of what was sent twice the answers say that it was known, so then the word of
 * the server counts, and not theirs.
 */
function duplicatesOf({ counts, resent }: Run, { records }: Batch): number {
  return resent ? Math.max(0, counts.taken - (records ?? 0)) : counts.duplicates;
}
