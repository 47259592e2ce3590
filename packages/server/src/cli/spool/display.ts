/** What the spool shows: a bar on a terminal, else a line of JSON a step; and each run on standard output. */
import pino from 'pino';
import type { Chunk } from '../../spool/chunks.ts';
import type { SpoolLog } from '../../spool/log.ts';
import type { Run, RunFile } from '../../spool/run.ts';
import type { Waiting } from '../../spool/store.ts';
import type { Findings } from '../../spool/worker.ts';

export interface DisplayOptions {
  /** A run as a JSON object. */
  json: boolean;
  /** Objects come at the end, and say how much of a run has not been told by then. */
  waits: boolean;
}

const BAR_WIDTH = 30;
const CLEAR = '\r\x1b[K';
const REDRAW_MS = 100;

export class Display {
  readonly log: SpoolLog;
  readonly #json: boolean;
  readonly #waits: boolean;
  readonly #done: Run[] = [];
  readonly #onTerminal = process.stderr.isTTY;
  #startedAt = performance.now();
  #drawnAt = 0;
  #records = 0;
  #runId: number | undefined;

  constructor({ json, waits }: DisplayOptions) {
    this.#json = json;
    this.#waits = waits;
    this.log = this.#onTerminal ? this.#terminalLog() : pino(pino.destination(2));
  }

  progress({ id, bytes }: Run, files: readonly RunFile[], { cursor, share, lines, rejections }: Chunk): void {
    if (!this.#onTerminal) return;
    const now = performance.now();
    if (this.#runId !== id) {
      this.#runId = id;
      this.#records = 0;
      this.#startedAt = now;
      this.#drawnAt = now;
    }
    this.#records += lines.length + rejections.length;
    if (now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    const read = files.reduce((sum, { position, size }) => sum + size * shareRead(position, cursor.file, share), 0);
    const done = bytes === 0 ? 1 : Math.min(1, read / bytes);
    const rate = Math.round(this.#records / Math.max(0.001, (now - this.#startedAt) / 1000)).toLocaleString('en');
    const bar = '█'.repeat(Math.round(done * BAR_WIDTH)).padEnd(BAR_WIDTH, '·');
    const percent = `${Math.round(done * 100)}%`;
    process.stderr.write(`${CLEAR}[${bar}] ${percent}  ${this.#records.toLocaleString('en')} records  ${rate}/s`);
  }

  finished(run: Run, findings: Findings): void {
    if (this.#onTerminal) process.stderr.write(CLEAR);
    if (!this.#json) process.stdout.write(inWords(run, findings));
    else if (this.#waits) this.#done.push(run);
    else process.stdout.write(`${JSON.stringify(summary(run))}\n`);
  }

  /** @param outbox what has not been told, by the tag of its batch; undefined where that is not known */
  end(outbox: ReadonlyMap<string, Waiting> | undefined): void {
    if (this.#onTerminal) process.stderr.write(CLEAR);
    for (const run of this.#done) {
      const waiting = outbox && (outbox.get(run.tag) ?? { undelivered: 0, held: 0 });
      process.stdout.write(`${JSON.stringify({ ...summary(run), ...waiting })}\n`);
    }
  }

  #terminalLog(): SpoolLog {
    const line = (mark: string) => (members: object, message: string) => {
      const { batchTag } = members as { batchTag?: string };
      process.stderr.write(`${CLEAR}${mark}${batchTag === undefined ? '' : `${batchTag}: `}${message}\n`);
    };
    return { info: line(''), warn: line('warning: '), error: line('error: ') };
  }
}

function shareRead(position: number, current: number, share: number): number {
  return position < current ? 1 : position === current ? share : 0;
}

function summary({ tag, status, counts, count, bytes, pii, locked, versionId, stream, reason }: Run): object {
  const { taken, duplicates, rejected } = counts;
  return {
    ...{ batch_tag: tag, status, processed: taken, inserted: taken - duplicates, duplicates, rejected },
    ...{ files: count, bytes, pii, locked, version_id: versionId, stream },
    ...(reason === null ? {} : { reason }),
  };
}

function inWords({ tag, status, counts, count, versionId, reason }: Run, { rejectedFile, quarantined = 0 }: Findings) {
  const { taken, duplicates, rejected } = counts;
  const parts = [
    `${counted(taken, 'record')} from ${counted(count, 'file')}, ${duplicates} of them known before, ${rejected} refused`,
    ...(quarantined === 0 ? [] : [`${quarantined} of them in quarantine: tidemark quarantine list`]),
    ...(versionId === null ? [] : [`certified as ${versionId}`]),
    ...(reason === null ? [] : [reason]),
    // The reason may name it already.
    ...(rejectedFile === undefined || reason?.includes(rejectedFile) === true ? [] : [`refused: see ${rejectedFile}`]),
  ];
  return `${tag}  ${status}: ${parts.join('; ')}\n`;
}

function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
