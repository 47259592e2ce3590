import { ClientError } from './errors.ts';
import type { WatchMessage } from './messages.ts';
import type { WatchOptions } from './watch.ts';

/** Streams and types that were asked for. A server that says more than that is not answering. */
export class Asked {
  readonly #streams: ReadonlySet<string> | undefined;
  readonly #types: ReadonlySet<string> | undefined;

  constructor({ stream, type }: WatchOptions) {
    this.#streams = listed(stream);
    this.#types = listed(type);
  }

  /** @throws ClientError `bad-answer` */
  check(message: WatchMessage): void {
    const { type } = message;
    // A gap is told to everybody, of the streams that were asked for.
    if (type === 'gap') for (const { stream } of message.missing ?? []) this.#checkStream(type, stream);
    else {
      if (this.#types?.has(type) === false) fail(`a message of type ${type}`);
      this.#checkStream(type, message.stream);
    }
  }

  /** @param stream absent where only other members were asked for */
  #checkStream(type: string, stream: string | undefined): void {
    if (stream === undefined || this.#streams?.has(stream) !== false) return;
    fail(`a message of type ${type} of the stream ${String(stream).slice(0, 100)}`);
  }
}

/** One or several, each of which may be a list as the route takes it. */
export function listed(value: string | readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (value === undefined) return undefined;
  return new Set([value].flat().flatMap((one) => one.split(',').map((name) => name.trim())));
}

function fail(what: string): never {
  throw new ClientError('bad-answer', `watch: ${what} was not asked for`);
}
