/**
 * Messages about batches: kept, told over Redis, and held back while their batch is locked. Implements what the publish
 * handler asks of a server, and tells what the server itself has to say.
 */
import { eventKey, isLifecycleName } from '@tidemark/client';
import { type PublishRow, rowOf } from '../notify/event-publish-row.ts';
import type { BatchStore, KeptMessage } from '../store/batches.ts';
import { heard } from './facts.ts';
import type { Waiting } from './waiting.ts';

/** Where messages go out to subscribers. */
export interface Outlet {
  /** Rejects when it cannot be told that the message has gone out. */
  publish(channel: string, message: string): Promise<void>;
}

export interface MessagesOptions {
  store: BatchStore;
  waiting: Waiting;
  /** Without one, messages are there to be read alone. */
  outlet: Outlet | undefined;
  /** Told of what the server publishes by itself, and not waited for; whoever publishes through the route sees to it. */
  mirror: ((row: PublishRow) => void) | undefined;
  /** Whether this server embeds batches of that stream. */
  embeds: (stream: string) => boolean;
  /** Messages that are kept. */
  keep: number;
  /** Called when a batch is to be embedded. */
  embedding: () => void;
  troubled: (message: string) => void;
  /** Has `work` called once, so many milliseconds later. */
  later: (work: () => void, ms: number) => void;
  /** Milliseconds since 1970. */
  now: () => number;
}

const RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;
/** Messages told between two looks. */
const TOLD_AT_A_TIME = 100;
const TRIM_EVERY = 1000;
const MAX_UNKEPT = 1000;
const MAX_TAG_LENGTH = 256;

export class Messages {
  readonly #options: MessagesOptions;
  /** By batch and event: what is not to be kept, and comes back over Redis. */
  readonly #unkept = new Set<string>();
  #telling = false;
  #failures = 0;
  #closed = false;

  constructor(options: MessagesOptions) {
    this.#options = options;
  }

  /** Keeps a message, if its batch is not locked. To be called before `publish`. */
  keep(row: PublishRow): void {
    const { store, waiting } = this.#options;
    store.together(() => {
      this.#hear(row);
      if (this.#isHeld(row)) return;
      this.#keep(row, true);
    });
    waiting.changed();
    this.#options.embedding();
  }

  /** Tells a message, or holds it back. @throws whatever the outlet does */
  async publish(row: PublishRow): Promise<'published' | 'held'> {
    const { store, outlet } = this.#options;
    const held = store.together(() => {
      // One that is not to be kept is heard all the same.
      this.#hear(row);
      if (!this.#isHeld(row)) return false;
      store.hold(row.batch_tag ?? '', row);
      return true;
    });
    if (held) return 'held';
    this.#leaveUnkept(row);
    await outlet?.publish(row.channel, row.message);
    this.#options.embedding();
    return 'published';
  }

  /** A message that came over Redis. One that others have published is kept: it came to nobody else who keeps it. */
  hear(channel: string, message: string): void {
    const { store, now, waiting } = this.#options;
    const row = rowOf(channel, message, now());
    store.together(() => {
      this.#hear(row);
      if (this.#isHeld(row)) store.hold(row.batch_tag ?? '', row);
      else if (!this.#isKnown(row)) this.#keep(row, true);
    });
    waiting.changed();
    this.#options.embedding();
  }

  /** What the server itself has to say: kept, and told as soon as it can be. */
  say(channel: string, event: object): void {
    const { store, waiting, now, outlet } = this.#options;
    const row = rowOf(channel, JSON.stringify(event), now());
    store.together(() => {
      this.#hear(row);
      this.#keep(row, outlet === undefined);
    });
    this.#options.mirror?.(row);
    waiting.changed();
    void this.tell();
  }

  /** What was held back of a batch goes out: the batch has been unlocked. */
  release(tag: string): void {
    const { store, waiting, now, outlet, mirror } = this.#options;
    const rows = store.together(() => {
      const released = store.release(tag).map(({ channel, message }) => rowOf(channel, message, now()));
      for (const row of released) {
        this.#hear(row);
        this.#keep(row, outlet === undefined);
      }
      return released;
    });
    for (const row of rows) mirror?.(row);
    waiting.changed();
    void this.tell();
    this.#options.embedding();
  }

  /** Tells what the server has to say and has not been told, in order; what fails is tried again. */
  async tell(): Promise<void> {
    const { store, outlet, troubled, later } = this.#options;
    if (this.#telling || this.#closed || outlet === undefined) return;
    this.#telling = true;
    try {
      for (let batch = store.untold(TOLD_AT_A_TIME); batch.length > 0; batch = store.untold(TOLD_AT_A_TIME)) {
        for (const { seq, channel, message } of batch) {
          await outlet.publish(channel, message);
          if (this.#closed) return;
          store.told(seq);
        }
      }
      this.#failures = 0;
    } catch (error) {
      troubled(`messages about batches cannot be told: ${error instanceof Error ? error.message : String(error)}`);
      later(() => void this.tell(), Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** this.#failures++));
    } finally {
      this.#telling = false;
    }
  }

  /** Messages after `seq`; waits for the first of them. */
  after(seq: number, limit: number, ms: number, gone?: AbortSignal): Promise<KeptMessage[]> {
    const { store, waiting } = this.#options;
    return waiting.until(
      () => store.after(seq, limit),
      (messages) => messages.length > 0,
      ms,
      gone,
    );
  }

  close(): void {
    this.#closed = true;
  }

  #hear(row: PublishRow): void {
    const { store, embeds, now } = this.#options;
    const { batch_tag: tag, event } = row;
    if (tag === null || !isLifecycleName(event) || tag.length > MAX_TAG_LENGTH) return;
    const known = store.one(tag);
    const { facts, happenings } = heard(known, { ...row, batch_tag: tag, event }, embeds, now());
    store.put(facts);
    const told = new Set(known === undefined ? [] : store.happenings(tag).map(({ what }) => what));
    for (const happening of happenings) if (!told.has(happening.what)) store.note(tag, happening);
  }

  /** Of a batch that is locked, nobody is told to embed it. */
  #isHeld({ event, batch_tag: tag }: PublishRow): boolean {
    return event === 'embed.start' && tag !== null && this.#options.store.one(tag)?.gate === 'locked';
  }

  #isKnown({ batch_tag: tag, event }: PublishRow): boolean {
    if (tag === null || !isLifecycleName(event)) return true;
    return this.#unkept.has(eventKey({ event, batch_tag: tag })) || this.#options.store.knows(tag, event);
  }

  #leaveUnkept({ batch_tag: tag, event }: PublishRow): void {
    if (tag === null || !isLifecycleName(event) || this.#options.store.knows(tag, event)) return;
    this.#unkept.add(eventKey({ event, batch_tag: tag }));
    const [oldest] = this.#unkept;
    if (this.#unkept.size > MAX_UNKEPT && oldest !== undefined) this.#unkept.delete(oldest);
  }

  #keep(row: PublishRow, told: boolean): void {
    const { store, now, keep } = this.#options;
    const seq = store.keep(row, now(), told);
    if (seq % TRIM_EVERY === 0) store.trim(keep);
  }
}
