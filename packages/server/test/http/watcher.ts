/** A client of the live feed that knows no more than the specification of server-sent events. */
import { expect } from 'vitest';
import type { Json } from './client.ts';
import { eventually } from './server.ts';

export interface Frame {
  id: string | undefined;
  retry: string | undefined;
  /** Lines that begin with a colon. */
  comments: string[];
  /** The JSON in `data:`; undefined for a frame without. */
  data: Json;
  /** When it was complete, on the clock of `performance.now`. */
  at: number;
}

export class Watcher {
  readonly status: number;
  readonly headers: Headers;
  /** Complete frames so far. */
  readonly frames: Frame[] = [];
  /** True once the server has ended the stream, or the connection is gone. */
  ended = false;
  readonly #abort: AbortController;
  #bytesLeft: number;
  #buffer = '';

  private constructor(response: Response, abort: AbortController, cutAfterBytes: number) {
    this.status = response.status;
    this.headers = response.headers;
    this.#abort = abort;
    this.#bytesLeft = cutAfterBytes;
    void this.#read(response);
  }

  /** @param cutAfterBytes drops the connection after so many bytes, wherever in a frame that is */
  static async open(
    url: string,
    query = '',
    headers: Record<string, string> = {},
    cutAfterBytes = Number.POSITIVE_INFINITY,
  ): Promise<Watcher> {
    const abort = new AbortController();
    const response = await fetch(`${url}/watch${query}`, { headers, signal: abort.signal });
    return new Watcher(response, abort, cutAfterBytes);
  }

  /** Messages of these types; without any, all but hello, heartbeats and gaps. */
  messages(...types: string[]): Json[] {
    const own = ['hello', 'heartbeat', 'gap'];
    return this.frames
      .map(({ data }) => data)
      .filter(
        (data) => data !== undefined && (types.length > 0 ? types.includes(data.type) : !own.includes(data.type)),
      );
  }

  /** The cursor to come back with. */
  get lastId(): string | undefined {
    return this.frames.findLast(({ id }) => id !== undefined)?.id;
  }

  /** Waits until `condition` holds for what has come. */
  async until(condition: (watcher: this) => boolean): Promise<this> {
    await eventually(() => expect(condition(this)).toBe(true), 5);
    return this;
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const bytes of response.body ?? []) {
        const taken = bytes.subarray(0, this.#bytesLeft);
        this.#bytesLeft -= taken.length;
        this.#take(decoder.decode(taken, { stream: true }));
        if (this.#bytesLeft === 0) this.close();
      }
    } catch {
      // The connection is gone, by our doing or the server's.
    }
    this.ended = true;
  }

  #take(text: string): void {
    const blocks = (this.#buffer + text).split('\n\n');
    this.#buffer = blocks.pop() ?? '';
    for (const block of blocks) this.frames.push(parseFrame(block));
  }
}

function parseFrame(block: string): Frame {
  const lines = block.split('\n');
  const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  const data = field('data');
  return {
    id: field('id'),
    retry: field('retry'),
    comments: lines.filter((line) => line.startsWith(':')),
    data: data === undefined ? undefined : JSON.parse(data),
    at: performance.now(),
  };
}
