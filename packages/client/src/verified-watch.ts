/** A watch that is held against the logs as it goes. */
import { listed } from './asked.ts';
import { Completeness, type LeafRange } from './completeness.ts';
import { ClientError, LogError } from './errors.ts';
import { LOG_PINS, type LogPins, type VerifiedLog } from './log.ts';
import {
  type CertifiedMessage,
  checkMessage,
  type GapMessage,
  type QuarantinedMessage,
  type WatchMessage,
} from './messages.ts';
import type { Names } from './options.ts';
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

export const VERIFICATION: Names<WatchVerification> = { ...LOG_PINS, salted: true, from: true };

export interface VerifiedWatchLimits {
  /** Records that wait for their packets to end, of all streams; beyond it they are checked before. Default 65,536. */
  maxWaiting?: number | undefined;
  /** Default 10,000: each takes some memory for as long as the watch lasts. */
  maxStreams?: number | undefined;
}

const MAX_WAITING = 65_536;
const MAX_STREAMS = 10_000;
/** What a packet may have at most, and a message claim. */
const MAX_PACKET_LEAVES = 1_000_000;
/** Without these members a message could not be held against its leaf. */
const NEEDED = ['eventId', 'stream', 'leafIndex', 'packet', 'contentHash'];

/** Where the checks of a stream stand. */
interface Progress {
  log: VerifiedLog;
  /** All leaves below are checked. */
  checked: number;
  /** Records come in order: all below have come, or are left out. */
  delivered: number;
  /** End of the packet that is being delivered. */
  packetEnd: number;
  /** Leaves `[start, end)` that have those in quarantine which were not checked. */
  quarantined: LeafRange | undefined;
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
  readonly #maxWaiting: number;
  readonly #maxStreams: number;
  #tracker: Completeness;
  readonly #logs = new Map<string, VerifiedLog>();
  readonly #streams = new Map<string, Progress>();
  /** A gap has left open where anything goes on. */
  #anew = false;

  constructor(
    options: WatchOptions,
    verification: WatchVerification,
    openLog: (stream: string) => VerifiedLog,
    { maxWaiting = MAX_WAITING, maxStreams = MAX_STREAMS }: VerifiedWatchLimits = {},
  ) {
    this.#maxWaiting = maxWaiting;
    this.#maxStreams = maxStreams;
    this.#options = options;
    this.#verification = verification;
    this.#openLog = openLog;
    this.#tracker = this.#newTracker();
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
    if (message.type === 'gap') await this.#gap(message);
    else if (message.type === 'certified' || message.type === 'quarantined') {
      // With `fields` this was not done yet.
      checkMessage(message);
      await this.#placed(message);
      if (this.#tracker.size >= this.#maxWaiting)
        for (const progress of this.#streams.values()) await this.#settle(progress);
    }
  }

  async #placed(message: CertifiedMessage | QuarantinedMessage): Promise<void> {
    const { type, stream, leafIndex, packet } = message;
    if (packet.end - packet.start > MAX_PACKET_LEAVES) {
      throw new LogError('malformed', `no packet has leaves [${packet.start}, ${packet.end})`, { stream, leafIndex });
    }
    // Within a packet, those in quarantine come first, and then all that are certified.
    const progress = this.#progress(stream, type === 'certified' ? leafIndex : packet.start);
    if (leafIndex < progress.checked) {
      throw new LogError('record-altered', `leaf ${leafIndex} comes again, or too late`, { stream, leafIndex });
    }
    // Packets come in order and whole: a message of another one says that this one has passed.
    if (packet.end !== progress.packetEnd) await this.#check(progress, Math.min(progress.packetEnd, leafIndex));
    this.#tracker.take(message);
    progress.packetEnd = packet.end;
    if (type === 'certified') {
      progress.delivered = leafIndex + 1;
      if (leafIndex === packet.end - 1) await this.#check(progress, packet.end);
    } else {
      const { start, end } = progress.quarantined ?? { start: leafIndex, end: leafIndex };
      progress.quarantined = { start: Math.min(start, leafIndex), end: Math.max(end, leafIndex + 1) };
    }
  }

  /** Checks all that has come of a stream, though more of its packet is to come. */
  async #settle(progress: Progress): Promise<void> {
    const { log } = progress;
    await this.#check(progress, progress.delivered);
    const { quarantined } = progress;
    if (quarantined === undefined) return;
    await this.#tracker.check(log, Math.max(quarantined.start, progress.checked), quarantined.end, { partial: true });
    this.#tracker.release(log.stream, quarantined.end);
    progress.quarantined = undefined;
  }

  /** What the server owns up to is not held against it: what came before is checked, and then what follows. */
  async #gap({ missing }: GapMessage): Promise<void> {
    if (missing === undefined) {
      // It does not say of which streams, nor up to where: each begins anew with what comes.
      for (const progress of this.#streams.values()) await this.#settle(progress);
      this.#streams.clear();
      this.#tracker = this.#newTracker();
      this.#anew = true;
      return;
    }
    for (const { stream, start, end } of missing) {
      const progress = this.#progress(stream, end);
      await this.#settle(progress);
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
    await this.#tracker.check(log, checked, end, { sources: listed(sourceId), partial });
    this.#tracker.forget(log.stream, end);
    progress.checked = end;
    if (progress.quarantined !== undefined && progress.quarantined.end <= end) progress.quarantined = undefined;
  }

  #newTracker(): Completeness {
    return new Completeness({ salted: this.#verification.salted, projected: this.#options.fields !== undefined });
  }

  #progress(stream: string, leafIndex: number): Progress {
    let progress = this.#streams.get(stream);
    if (progress === undefined) {
      const checked = this.#anew ? leafIndex : this.#begin(stream, leafIndex);
      progress = { log: this.#log(stream), checked, delivered: checked, packetEnd: checked, quarantined: undefined };
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
      if (this.#logs.size >= this.#maxStreams) {
        throw new ClientError('bad-answer', `watch: more than ${this.#maxStreams} streams: name those that are wanted`);
      }
      log = this.#openLog(stream);
      this.#logs.set(stream, log);
    }
    return log;
  }
}
