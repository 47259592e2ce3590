/** A directory with packets of all kinds, and what there is to tell of it, for tests that compare. */
import { Filter } from '../../src/filter/filter.ts';
import type { Cursor } from '../../src/live/cursor.ts';
import type { Missing } from '../../src/live/extents.ts';
import type { Message } from '../../src/live/messages.ts';
import type { Selection } from '../../src/live/selection.ts';
import { itemsOf, type JournalEntry } from '../../src/store/journal.ts';
import type { LedgerEntry } from '../../src/store/ledger.ts';
import { Feed, fillDirectory } from '../support/feed.ts';
import { fusedEntries } from '../support/fused.ts';
import { Writer } from '../support/journal.ts';
import { streamConfig } from '../support/node.ts';
import type { Told } from './watcher.ts';

export const START: Cursor = { journal: 0, ledger: 0 };
export const STREAMS = ['alpha', 'beta', 'weather', 'places'];
export const SOURCES = ['one', 'two', 'three', 'w-a', 'w-b', 'w-y'];
export const FILTERS = [
  't > 300',
  'hue == "red"',
  'hue in ["red", "blue"] and not tags == "odd"',
  'sourceId == "one" or temp > 20',
  'sourceId in ["w-a", "three"]',
  'tags == "even" and eventTime >= "2026-03-01T12:00:00Z"',
  'exists decision',
  'type != "received"',
  'stream == "beta" or count > 5',
].map((text) => Filter.parse(text));

/** Every seventh is quarantined. */
function event(id: number) {
  const t = id % 7 === 0 ? undefined : id;
  const [hue, tags] = [['red', 'green', 'blue', 'grey'][id % 4], [id % 2 === 0 ? 'even' : 'odd', 'all']];
  return { id: `${id}`, text: JSON.stringify({ id, ts: '2026-03-01T12:00:00Z', t, hue, tags, pad: 'x'.repeat(150) }) };
}

/** Two streams that fuse, one with a packet that takes several parts, and one with many small packets. */
export async function fillHistory(dir: string): Promise<void> {
  const fused = fusedEntries();
  const last = fused.at(-1)?.at(-1) as JournalEntry;
  const writer = new Writer(last.first + itemsOf(last));
  const policy = { required: ['t'] };
  const events = (stream: string, source: string, from: number, count: number) => {
    const raws = Array.from({ length: count }, (_, place) => event(from + place));
    return writer.events(stream, source, raws, from);
  };
  const groups: JournalEntry[][] = [
    ...fused,
    [
      writer.config(streamConfig('alpha', { one: policy, two: policy }), 0),
      writer.config(streamConfig('beta', { three: policy }), 0),
    ],
    [events('alpha', 'one', 1, 40), events('beta', 'three', 1, 3), writer.cut('alpha', 200), writer.cut('beta', 200)],
    [events('alpha', 'two', 1000, 300), events('alpha', 'one', 2000, 250), writer.cut('alpha', 3000)],
  ];
  for (let round = 0; round < 12; round++) {
    groups.push([events('beta', 'three', 3000 + 10 * round, 1 + (round % 3)), writer.cut('beta', 4000 + round)]);
  }
  await fillDirectory(dir, groups);
}

export class History {
  readonly feed: Feed;
  readonly heads: { journal: number[]; ledger: number[] };
  readonly #all: { journal: Message[]; ledger: Message[] };
  readonly #places: Record<keyof Cursor, Map<number, Message>>;
  readonly #packets: Extract<LedgerEntry, { kind: 'packet' }>[];

  constructor(dir: string) {
    this.feed = new Feed(dir);
    this.heads = this.feed.heads();
    this.#all = this.feed.expected();
    const places = (messages: Message[]) => new Map(messages.map((message) => [message.position, message]));
    this.#places = { journal: places(this.#all.journal), ledger: places(this.#all.ledger) };
    this.#packets = this.feed.entries().filter((entry) => entry.kind === 'packet');
  }

  get all(): readonly Message[] {
    return [...this.#all.journal, ...this.#all.ledger];
  }

  get end(): Cursor {
    return { journal: this.heads.journal.at(-1)!, ledger: this.heads.ledger.at(-1)! };
  }

  /** The message whose cursor this is. */
  at(side: keyof Cursor, place: Readonly<Cursor>): Message | undefined {
    return this.#places[side].get(place[side]);
  }

  /** What a client is to be told between the two places: of the journal, then of the ledger, each in order. */
  between(selection: Selection, from: Readonly<Cursor>, to: Readonly<Cursor>): Message[] {
    const sides = (['journal', 'ledger'] as const).map((side) =>
      this.#all[side].filter(({ position }) => position > from[side] && position <= to[side]),
    );
    return sides.flat().filter((message) => selection.matches(message));
  }

  /** Leaves that were certified between the two places. */
  missing(selection: Selection, from: Readonly<Cursor>, to: Readonly<Cursor>): Missing[] {
    return STREAMS.filter((stream) => selection.wantsStream(stream)).flatMap((stream) => {
      const [start, end] = [this.#certified(stream, from.ledger), this.#certified(stream, to.ledger)];
      return start === end ? [] : [{ stream, start, end }];
    });
  }

  place({ id }: Told): Cursor {
    return this.feed.codec.decode(id, this.end)!;
  }

  /** How many leaves of the stream are certified by this position. */
  #certified(stream: string, position: number): number {
    let leaves = 0;
    for (const { first: begin, count, packet } of this.#packets) {
      if (packet.stream !== stream) continue;
      const { start, end } = packet;
      const first = begin + count - (end - start);
      leaves += Math.max(0, Math.min(end - start, position + 1 - first));
    }
    return leaves;
  }
}

export function isOfJournal({ text }: { text: string }): boolean {
  return text.startsWith('{"type":"received"');
}

/** Not what the feed says of itself. */
export function isMessage({ text }: Told): boolean {
  return !/^\{"type":"(?:gap|heartbeat)"/.test(text);
}
