/** Subscriptions over a real ledger, with real sockets; what a thread of the server has, in this one. */
import { randomBytes } from 'node:crypto';
import { vi } from 'vitest';
import { subscriptionKey } from '../../src/keys.ts';
import { CursorCodec } from '../../src/live/cursor.ts';
import { LedgerMessages, type Message } from '../../src/live/messages.ts';
import { OutboundGuard } from '../../src/outbound/guarded-lookup.ts';
import type { Resolve } from '../../src/outbound/names.ts';
import { PublicAddresses, parseCidr } from '../../src/outbound/public-address.ts';
import type { JournalEntry } from '../../src/store/journal.ts';
import { SqliteJournalReader } from '../../src/store/sqlite/journal.ts';
import { SqliteLedgerReader } from '../../src/store/sqlite/ledger-reader.ts';
import { SqliteSubscriptions } from '../../src/store/sqlite/subscriptions.ts';
import type { SubscribedType, SubscriptionSettings } from '../../src/store/subscriptions.ts';
import { SubscriptionDesk } from '../../src/subscriptions/desk.ts';
import { Feed } from '../../src/subscriptions/feed.ts';
import { Outbox } from '../../src/subscriptions/outbox.ts';
import { SecretBox } from '../../src/subscriptions/secrets.ts';
import { Sender } from '../../src/subscriptions/sender.ts';
import type { Declared, NewSecret } from '../../src/subscriptions/service.ts';
import type { SubscriptionsSettings } from '../../src/subscriptions/settings.ts';
import { Writer } from '../support/journal.ts';
import { streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';
import { linesOf } from '../support/readers.ts';

const PATIENCE_MS = 30_000;
vi.setConfig({ testTimeout: 2 * PATIENCE_MS, hookTimeout: 2 * PATIENCE_MS });

/** Waits until `check` no longer throws. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: PATIENCE_MS, interval: 5 });
}

export const LOOPBACK = parseCidr('127.0.0.0/8')!;

/** Quick, so that retries happen within a test; a circuit that stays closed unless a test wants to see it open. */
export const SETTINGS: SubscriptionsSettings = {
  max: 10,
  allow: [LOOPBACK],
  sender: { timeoutMs: 5000, longestRetryAfterMs: 60_000 },
  retry: { attempts: 200, baseMs: 1, factor: 1, capMs: 20 },
  breaker: { failures: 200, probeMs: 10 },
  bounds: { pending: 1000, dead: 1000, delivered: 10_000, deliveredMs: 86_400_000 },
};

export type Partly<T> = { [Name in keyof T]?: Partial<T[Name]> };

export function settingsWith(changes: Partly<Omit<SubscriptionsSettings, 'max' | 'allow'>>): SubscriptionsSettings {
  return {
    ...SETTINGS,
    sender: { ...SETTINGS.sender, ...changes.sender },
    retry: { ...SETTINGS.retry, ...changes.retry },
    breaker: { ...SETTINGS.breaker, ...changes.breaker },
    bounds: { ...SETTINGS.bounds, ...changes.bounds },
  };
}

export function declared(url: string, settings: Partial<SubscriptionSettings> = {}): Declared {
  const defaults = { url, types: ['certified'] as const, order: 'stream' as const, concurrency: 8 };
  return { settings: { ...defaults, ...settings }, since: 'earliest', enabled: true };
}

export interface Opened {
  desk: SubscriptionDesk;
  outbox: Outbox;
  store: SqliteSubscriptions;
  feed: Feed;
  troubles: unknown[];
  /** As a crash: what has not been stored is gone. */
  crash(): void;
  /** As the server closes. */
  close(): Promise<void>;
}

/** A ledger that grows as a test says, and subscriptions over it. */
export class World {
  readonly dir: string;
  readonly works: Works;
  readonly #writer = new Writer();
  readonly #streams: readonly string[];
  #count = 0;
  #at = 1;

  constructor(dir: string, streams: readonly string[] = ['alpha', 'beta']) {
    this.dir = dir;
    this.#streams = streams;
    this.works = new Works(dir);
  }

  async begin(): Promise<void> {
    await this.#write(this.#streams.map((name) => this.#writer.config(streamConfig(name, { [`of-${name}`]: {} }), 0)));
  }

  /** Certifies events of a stream, in one packet. */
  async grow(stream: string, count: number, more: object = {}): Promise<void> {
    const raws = Array.from({ length: count }, () => {
      const id = `${this.#count++}`;
      return { id, text: JSON.stringify({ id, ts: '2026-03-01T12:00:00Z', n: this.#count, ...more }) };
    });
    await this.#write([
      this.#writer.events(stream, `of-${stream}`, raws, this.#at++),
      this.#writer.cut(stream, this.#at++),
    ]);
  }

  open(settings = SETTINGS, resolve?: Resolve): Opened {
    const journal = new SqliteJournalReader(this.dir);
    const ledger = new SqliteLedgerReader(this.dir);
    const messages = new LedgerMessages(ledger, linesOf(this.dir, journal, ledger));
    const feed = new Feed({ ledger, messages, codec: new CursorCodec('0a1b2c3d', ledger) });
    const store = new SqliteSubscriptions(this.dir);
    const guard = new OutboundGuard(new PublicAddresses(settings.allow), resolve);
    const sender = new Sender({ settings: settings.sender, guard, now: Date.now });
    const troubles: unknown[] = [];
    const troubled = (error: unknown) => void troubles.push(error);
    const outbox = new Outbox({ store, failed: troubled, recovered: () => desk.pump() });
    const secrets = new SecretBox(subscriptionKey(this.dir));
    const desk: SubscriptionDesk = new SubscriptionDesk({
      ...{ store, outbox, feed, sender, guard, settings, troubled, secrets, randomBytes },
      ...{ now: Date.now, random: Math.random, source: '//test' },
    });
    desk.pump();
    const letGo = () => {
      desk.end();
      sender.close();
      outbox.close();
      for (const part of [store, journal, ledger]) part.close();
    };
    const close = async () => {
      desk.stop();
      await eventually(() => {
        if (desk.underWay > 0) throw new RangeError(`${desk.underWay} still under way`);
      });
      outbox.flush();
      letGo();
    };
    return { desk, outbox, store, feed, troubles, crash: letGo, close };
  }

  /** What the ledger tells, in order. */
  told(types: readonly SubscribedType[] = ['certified']): Message[] {
    const journal = new SqliteJournalReader(this.dir);
    const ledger = new SqliteLedgerReader(this.dir);
    const messages = new LedgerMessages(ledger, linesOf(this.dir, journal, ledger));
    const found: Message[] = [];
    for (const entry of ledger.read(1, 1_000_000)) {
      for (let position = entry.first; position < entry.first + entry.count; ) {
        const part = messages.part(entry, position);
        found.push(...part.list);
        position = part.last + 1;
      }
    }
    // Their texts are written when they are wanted.
    const wanted = found.filter(({ type }) => (types as readonly string[]).includes(type));
    for (const message of wanted) message.text;
    journal.close();
    ledger.close();
    return wanted;
  }

  close(): void {
    this.works.close();
  }

  async #write(entries: readonly JournalEntry[]): Promise<void> {
    this.works.journal.append(entries);
    await this.works.run();
  }
}

/** The ids under which a subscription gets these messages. */
export function idsOf({ id }: Pick<NewSecret, 'id'>, messages: readonly Message[]): string[] {
  return messages.map(({ position }) => `${id}_${position.toString(36)}`);
}
