/**
 * Finds the channels that a message may concern, so that what a message costs grows with those, and not with how many
 * channels there are: by its type, by stream or source, and by a value, or a number between bounds, in their filters.
 */
import type { Path } from '../filter/path.ts';
import type { Channel } from './channel.ts';
import { Intervals } from './intervals.ts';
import { MESSAGE_TYPES, type Message, type MessageType } from './messages.ts';

const ANYWHERE = '*';

export class ChannelIndex {
  readonly #shelves = new Map<string, Shelf>();
  /** How many channels want a type at all, and how many in a stream, or wherever it is. */
  readonly #wanting = new Map<string, number>();

  add(channel: Channel): void {
    this.#count(channel, 1);
    for (const place of placesOf(channel)) {
      let shelf = this.#shelves.get(place);
      if (shelf === undefined) {
        shelf = new Shelf();
        this.#shelves.set(place, shelf);
      }
      shelf.add(channel);
    }
  }

  delete(channel: Channel): void {
    this.#count(channel, -1);
    for (const place of placesOf(channel)) {
      const shelf = this.#shelves.get(place);
      shelf?.delete(channel);
      if (shelf?.isEmpty === true) this.#shelves.delete(place);
    }
  }

  /** Whether there is a channel for this type, in this stream if one is named. */
  wants(type: MessageType, stream?: string): boolean {
    if (stream === undefined) return this.#wanting.has(type);
    return this.#wanting.has(`${type} ${ANYWHERE}`) || this.#wanting.has(`${type} ${stream}`);
  }

  #count({ selection }: Channel, step: 1 | -1): void {
    for (const type of MESSAGE_TYPES.filter((one) => selection.wants(one))) {
      for (const place of ['', ...(selection.wanted.streams ?? [ANYWHERE])]) {
        const key = place === '' ? type : `${type} ${place}`;
        const count = (this.#wanting.get(key) ?? 0) + step;
        if (count === 0) this.#wanting.delete(key);
        else this.#wanting.set(key, count);
      }
    }
  }

  /** All channels that the message concerns, each once. */
  concernedBy(message: Message): Iterable<Channel> {
    const { type, stream, sources } = message;
    const found: Channel[] = [];
    this.#shelves.get(`${type} ${ANYWHERE}`)?.find(message, found);
    this.#shelves.get(`${type} stream ${stream}`)?.find(message, found);
    for (const source of sources) this.#shelves.get(`${type} source ${source}`)?.find(message, found);
    // Of several sources, or of several values, one channel may name more than one.
    return found.length > 1 ? new Set(found) : found;
  }
}

/** A channel is in all places in which one of its messages looks; by its sources only where it names no stream. */
function placesOf({ selection }: Channel): string[] {
  const { streams, sources } = selection.wanted;
  const types = MESSAGE_TYPES.filter((type) => selection.wants(type));
  const places =
    streams !== undefined
      ? [...streams].map((id) => `stream ${id}`)
      : sources === undefined
        ? [ANYWHERE]
        : [...sources].map((id) => `source ${id}`);
  return types.flatMap((type) => places.map((place) => `${type} ${place}`));
}

class Shelf {
  readonly #plain = new Set<Channel>();
  /** Channels by the path, and the values, of an equality that all their messages satisfy. */
  readonly #keyed = new Map<string, { path: Path; channels: Map<unknown, Set<Channel>> }>();
  /** Those that have none, by the path of a number that lies between bounds in all their messages. */
  readonly #ranged = new Map<string, { path: Path; channels: Intervals<Channel> }>();

  get isEmpty(): boolean {
    return this.#plain.size === 0 && this.#keyed.size === 0 && this.#ranged.size === 0;
  }

  add(channel: Channel): void {
    const { required, range } = channel.selection.wanted.filter ?? {};
    if (required !== undefined) {
      const { path, values } = required;
      const keyed = this.#keyed.get(path.text) ?? { path, channels: new Map<unknown, Set<Channel>>() };
      this.#keyed.set(path.text, keyed);
      for (const value of values) keyed.channels.set(value, (keyed.channels.get(value) ?? new Set()).add(channel));
    } else if (range !== undefined) {
      const { path } = range;
      const ranged = this.#ranged.get(path.text) ?? { path, channels: new Intervals<Channel>() };
      this.#ranged.set(path.text, ranged);
      ranged.channels.add(channel, range);
    } else this.#plain.add(channel);
  }

  delete(channel: Channel): void {
    const { required, range } = channel.selection.wanted.filter ?? {};
    if (required !== undefined) {
      const { path, values } = required;
      const channels = this.#keyed.get(path.text)?.channels;
      for (const value of values) {
        const list = channels?.get(value);
        list?.delete(channel);
        if (list?.size === 0) channels?.delete(value);
      }
      if (channels?.size === 0) this.#keyed.delete(path.text);
    } else if (range !== undefined) {
      const channels = this.#ranged.get(range.path.text)?.channels;
      channels?.delete(channel);
      if (channels?.size === 0) this.#ranged.delete(range.path.text);
    } else this.#plain.delete(channel);
  }

  /** Adds those that the message concerns. */
  find(message: Message, found: Channel[]): void {
    ask(this.#plain, message, found);
    for (const { path, channels } of this.#keyed.values()) {
      // Filters on the payload pass by what has none.
      if (path.ofPayload && message.withoutPayload) for (const list of channels.values()) ask(list, message, found);
      else for (const value of path.valuesIn(message.body)) ask(channels.get(value), message, found);
    }
    for (const { path, channels } of this.#ranged.values()) {
      const value = path.read(message.body);
      if (path.ofPayload && message.withoutPayload) ask(channels.all(), message, found);
      else if (typeof value === 'number') ask(channels.holding(value), message, found);
    }
  }
}

function ask(channels: Iterable<Channel> | undefined, message: Message, found: Channel[]): void {
  for (const channel of channels ?? []) if (channel.selection.matches(message)) found.push(channel);
}
