/** A watch that is held against the logs as it goes. */
import { Completeness } from './completeness.ts';
import { ClientError, LogError } from './errors.ts';
import type { LogPins, VerifiedLog } from './log.ts';
import type { CertifiedMessage, GapMessage, WatchMessage } from './messages.ts';
import type { WatchOptions } from './watch.ts';

export interface WatchVerification extends LogPins {
  /** See `CompletenessOptions`. */
  salted?: boolean | undefined;
  /**
   * By stream, the leaf up to which all is known from before: where this watch has to begin. Without it, what is checked
   * begins at leaf 0 with `since: 'earliest'`, else at the first record that comes.
   */
  from?: Readonly<Record<string, number>> | undefined;
}

/** What a packet may have at most, and a message claim. */
const MAX_PACKET_LEAVES = 1_000_000;
/** Without these members a message could not be held against its leaf. */
const NEEDED = ['eventId', 'stream', 'leafIndex', 'packet', 'contentHash'];

/** Where the checks of a stream stand. */
interface Progress {
  log: VerifiedLog;
  /** All leaves below are checked. */
  checked: number;
  /** End of the packet that is being delivered. */
  packetEnd: number;
}

/** @throws ClientError `invalid-argument` where the options leave nothing to check; the options with what it takes */
export function verifiable(options: WatchOptions): WatchOptions {
  const { fields, type, slow } = options;
  const types = type === undefined ? undefined : [type].flat();
  if (types?.includes('certified') === false) {
    throw new ClientError('invalid-argument', 'what is verified is "certified": it has to be among the types');
  }
  if (slow === 'conflate') {
    throw new ClientError(
      'invalid-argument',
      'what is conflated comes out of order, and cannot be verified as it goes',
    );
  }
  return fields === undefined ? options : { ...options, fields: [...new Set([...NEEDED, ...[fields].flat()])] };
}

/**
 * Yields each message as it comes. A packet is checked when its last leaf comes, or the first message of a later packet,
 * and before that is yielded: so whoever takes a message beyond a packet knows that the packet is in the log as it was
 * delivered, and complete unless a filter or a split leaves records out. The end of the log can be held back unnoticed
 * until more is shown.
 * @throws LogError at the first lie
 */
export class VerifiedWatch {
  readonly #options: WatchOptions;
  readonly #verification: WatchVerification;
  readonly #openLog: (stream: string) => VerifiedLog;
  readonly #tracker: Completeness;
  readonly #logs = new Map<string, VerifiedLog>();
  readonly #streams = new Map<string, Progress>();
  /** A gap has left open where anything goes on. */
  #anew = false;

  constructor(options: WatchOptions, verification: WatchVerification, openLog: (stream: string) => VerifiedLog) {
    this.#options = options;
    this.#verification = verification;
    this.#openLog = openLog;
    this.#tracker = new Completeness({ salted: verification.salted, projected: options.fields !== undefined });
  }

  async *of(messages: AsyncIterable<WatchMessage>): AsyncGenerator<WatchMessage, void, undefined> {
    try {
      for await (const message of messages) {
        await this.#verify(message);
        yield message;
      }
    } catch (error) {
      // Reading the log ends with the signal, too.
      const { signal } = this.#options;
      if (!signal?.aborted || error !== signal.reason) throw error;
    }
  }

  async #verify(message: WatchMessage): Promise<void> {
    if (message.type === 'certified') await this.#certified(message);
    else if (message.type === 'gap') await this.#gap(message);
    else this.#tracker.take(message);
  }

  async #certified(message: CertifiedMessage): Promise<void> {
    const { stream, leafIndex, packet } = message;
    if (packet.end - packet.start > MAX_PACKET_LEAVES) {
      throw new LogError('malformed', `no packet has leaves [${packet.start}, ${packet.end})`, { stream, leafIndex });
    }
    const progress = this.#progress(stream, leafIndex);
    if (leafIndex < progress.checked) {
      throw new LogError('record-altered', `leaf ${leafIndex} comes again, or too late`, { stream, leafIndex });
    }
    // Packets come in order and whole: a message of another one says that this one has passed.
    if (packet.end !== progress.packetEnd) await this.#check(progress, Math.min(progress.packetEnd, leafIndex));
    this.#tracker.take(message);
    progress.packetEnd = packet.end;
    if (leafIndex === packet.end - 1) await this.#check(progress, packet.end);
  }

  /** What the server owns up to is not held against it: what came before is checked, and then what follows. */
  async #gap({ missing }: GapMessage): Promise<void> {
    if (missing === undefined) {
      // It does not say of which streams, nor up to where: each begins anew with what comes.
      this.#streams.clear();
      this.#anew = true;
      return;
    }
    for (const { stream, start, end } of missing) {
      const progress = this.#progress(stream, end);
      await this.#check(progress, start ?? progress.checked);
      progress.checked = Math.max(progress.checked, end);
      progress.packetEnd = progress.checked;
      this.#tracker.forget(stream, progress.checked);
    }
  }

  async #check(progress: Progress, end: number): Promise<void> {
    const { log, checked } = progress;
    if (end <= checked) return;
    const { filter, split, sourceId } = this.#options;
    const partial = filter !== undefined || split !== undefined;
    const sources = sourceId === undefined ? undefined : new Set([sourceId].flat().flatMap((one) => one.split(',')));
    await this.#tracker.check(log, checked, end, { sources, partial });
    this.#tracker.forget(log.stream, end);
    progress.checked = end;
  }

  #progress(stream: string, leafIndex: number): Progress {
    let progress = this.#streams.get(stream);
    if (progress === undefined) {
      const checked = this.#anew ? leafIndex : this.#begin(stream, leafIndex);
      progress = { log: this.#log(stream), checked, packetEnd: checked };
      this.#streams.set(stream, progress);
    }
    return progress;
  }

  #begin(stream: string, leafIndex: number): number {
    return this.#verification.from?.[stream] ?? (this.#options.since === 'earliest' ? 0 : leafIndex);
  }

  /** One for all the while: it holds each checkpoint against the one before. */
  #log(stream: string): VerifiedLog {
    let log = this.#logs.get(stream);
    if (log === undefined) {
      log = this.#openLog(stream);
      this.#logs.set(stream, log);
    }
    return log;
  }
}
