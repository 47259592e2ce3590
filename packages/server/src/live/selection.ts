/** What a client wants to be told, and in what words. Clients with equal selections are served as one. */
import type { Fields } from '../filter/fields.ts';
import type { Filter } from '../filter/filter.ts';
import type { Path } from '../filter/path.ts';
import type { Split } from '../filter/split.ts';
import type { Message, MessageType, Wants } from './messages.ts';

/** Whatever is absent does not restrict. */
export interface Wanted {
  types?: ReadonlySet<string> | undefined;
  streams?: ReadonlySet<string> | undefined;
  sources?: ReadonlySet<string> | undefined;
  filter?: Filter | undefined;
  split?: Split | undefined;
  fields?: Fields | undefined;
}

/** A message without these could not be told from others. */
const ALWAYS = ['type'];

export class Selection {
  readonly wanted: Wanted;
  /** Equal for selections that mean the same. */
  readonly key: string;

  constructor(wanted: Wanted) {
    this.wanted = wanted;
    const { types, streams, sources, filter, split, fields } = wanted;
    const sets = [types, streams, sources].map((set) => set && [...set].sort());
    this.key = JSON.stringify(
      [...sets, filter?.canonical, split?.canonical, fields?.canonical].map((part) => part ?? 0),
    );
  }

  wants(type: MessageType): boolean {
    return this.wanted.types?.has(type) ?? true;
  }

  wantsStream(stream: string): boolean {
    return this.wanted.streams?.has(stream) ?? true;
  }

  /** Whether anything of the type, in this stream, can be wanted. */
  readonly wantsIn: Wants = (type, stream) => this.wants(type) && this.wantsStream(stream);

  matches(message: Message): boolean {
    const { sources, filter, split } = this.wanted;
    if (!this.wantsIn(message.type, message.stream)) return false;
    if (sources !== undefined && !message.sources.some((source) => sources.has(source))) return false;
    // Every consumer of a group gets these.
    if (message.withoutPayload) return filter?.mayMatch(message.body) ?? true;
    return (filter?.matches(message.body) ?? true) && (split?.takes(message.body) ?? true);
  }

  /** The message as JSON text, with the fields that are wanted. */
  text(message: Message): string {
    const { fields } = this.wanted;
    return fields === undefined ? message.text : JSON.stringify(fields.project(message.body, ALWAYS));
  }
}

/** What `conflate` goes by: of messages with the same key, the newest is told. */
export type ConflationKey = (message: Message) => string;

/** By type, stream, and the values at these paths; without any, by the sources. */
export function conflationKey(paths: readonly Path[] | undefined): ConflationKey {
  return ({ type, stream, sources, body }) =>
    JSON.stringify([type, stream, ...(paths?.map((path) => path.read(body) ?? null) ?? sources)]);
}
