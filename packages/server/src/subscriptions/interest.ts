/** Which messages a subscription wants. */
import { Filter } from '../filter/filter.ts';
import type { Message } from '../live/messages.ts';
import type { SubscriptionSettings } from '../store/subscriptions.ts';
import type { Wanted } from './feed.ts';

export class Interest implements Wanted {
  readonly types: ReadonlySet<string>;
  readonly streams: ReadonlySet<string> | undefined;
  readonly #sources: ReadonlySet<string> | undefined;
  readonly #filter: Filter | undefined;

  constructor({ types, streams, sources, filter }: SubscriptionSettings) {
    this.types = new Set(types);
    this.streams = streams && new Set(streams);
    this.#sources = sources && new Set(sources);
    this.#filter = filter === undefined ? undefined : Filter.parse(filter);
  }

  matches(message: Message): boolean {
    if (!this.types.has(message.type) || this.streams?.has(message.stream) === false) return false;
    // As for watchers: a message about a whole packet is of no source.
    const sources = this.#sources;
    if (sources !== undefined && !message.sources.some((source) => sources.has(source))) return false;
    if (this.#filter === undefined) return true;
    return message.type === 'anchored' ? this.#filter.mayMatch(message.body) : this.#filter.matches(message.body);
  }
}
