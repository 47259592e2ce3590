/** Sends the records of a run, a few chunks at a time, and moves its cursor over what is acknowledged. */
import { type Chunk, chunksOf } from './chunks.ts';
import { RefusedError } from './errors.ts';
import { type Counts, NOTHING, plus, type Rejection, type Run, type RunFile } from './run.ts';
import type { ServerClient } from './server-client.ts';
import type { Outcome, SpoolStore } from './store.ts';
import { stopped } from './waiting.ts';

export interface ReplayOptions {
  run: Run;
  files: readonly RunFile[];
  /** Where the files are. */
  dir: string;
  maxFileBytes: number;
  store: SpoolStore;
  client: ServerClient;
  /** The batch has to be locked before the first record that is marked so is sent. */
  lock: () => Promise<void>;
  progress: (chunk: Chunk) => void;
  signal: AbortSignal;
}

interface Acknowledged {
  counts: Counts;
  resent: boolean;
  rejections: Rejection[];
}

interface InFlight {
  chunk: Chunk;
  answer: Promise<Acknowledged>;
}

/** Enough for the server to work on one while the next is read. */
const IN_FLIGHT = 4;
const TOO_LARGE = 413;
/** Somebody else has ended the batch, or the server was put back to an earlier state. */
export const NOT_OPEN = 'batch-not-open';

/**
 * @returns how the run ends, as far as the server's answers say
 * @throws SpoolError `stopped`, `gave-up`: the next start goes on; RefusedError `batch-not-open`
 */
export async function replay(options: ReplayOptions): Promise<Omit<Outcome, 'status'>> {
  const inFlight: InFlight[] = [];
  try {
    for await (const chunk of chunks(options)) {
      if (options.signal.aborted) break;
      const answer = send(chunk, options.client, options.run.tag);
      // It is looked at when its turn comes.
      answer.catch(() => undefined);
      inFlight.push({ chunk, answer });
      if (inFlight.length >= IN_FLIGHT) await settle(inFlight, options);
    }
    while (inFlight.length > 0) await settle(inFlight, options);
  } catch (error) {
    const counts = await rest(inFlight);
    if (!(error instanceof RefusedError) || error.error === NOT_OPEN) throw error;
    return { reason: error.message, counts };
  }
  if (options.signal.aborted) throw stopped();
  return { reason: undefined, counts: NOTHING };
}

async function* chunks({ run, files, dir, maxFileBytes, lock }: ReplayOptions): AsyncGenerator<Chunk> {
  let locked = run.pii;
  for await (const chunk of chunksOf({ dir, files, from: run.cursor, maxFileBytes, pii: run.wholly })) {
    if (chunk.pii && !locked) {
      await lock();
      locked = true;
    }
    yield chunk;
  }
}

/** Waits for the oldest. Answers may come in any order; the cursor passes over one after the other. */
async function settle(inFlight: InFlight[], { run, store, progress }: ReplayOptions): Promise<void> {
  const { chunk, answer } = inFlight[0] as InFlight;
  const { counts, resent, rejections } = await answer;
  inFlight.shift();
  const all = [...chunk.rejections, ...rejections];
  const rejected = all.length;
  const { cursor, faults } = chunk;
  store.advance(run, { cursor, counts: { ...counts, rejected }, resent, rejections: all, faults });
  progress(chunk);
}

/** Of the chunks behind one that failed: they may have been taken all the same. */
async function rest(inFlight: readonly InFlight[]): Promise<Counts> {
  let counts = NOTHING;
  for (const result of await Promise.allSettled(inFlight.map(({ answer }) => answer))) {
    if (result.status === 'fulfilled') counts = plus(counts, result.value.counts);
  }
  return counts;
}

/** A request that is too large is sent in halves, down to the record that is to blame. */
async function send(
  { lines, places }: Pick<Chunk, 'lines' | 'places'>,
  client: ServerClient,
  tag: string,
): Promise<Acknowledged> {
  if (lines.length === 0) return { counts: NOTHING, resent: false, rejections: [] };
  try {
    const { count, duplicates, rejected, resent } = await client.ingest(lines, tag);
    const rejections = rejected.flatMap(({ index, error, hint }) => {
      const place = places[index];
      return place === undefined ? [] : [{ ...place, error, hint }];
    });
    return { counts: { taken: count, duplicates, rejected: rejections.length }, resent, rejections };
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status !== TOO_LARGE) throw error;
    const [place] = places;
    if (lines.length === 1 && place !== undefined) {
      const rejections = [{ ...place, error: error.error, hint: error.message }];
      return { counts: { ...NOTHING, rejected: 1 }, resent: false, rejections };
    }
    const middle = Math.ceil(lines.length / 2);
    const halves = [
      await send({ lines: lines.slice(0, middle), places: places.slice(0, middle) }, client, tag),
      await send({ lines: lines.slice(middle), places: places.slice(middle) }, client, tag),
    ];
    return {
      counts: halves.reduce((sum, half) => plus(sum, half.counts), NOTHING),
      resent: halves.some((half) => half.resent),
      rejections: halves.flatMap((half) => half.rejections),
    };
  }
}
