/** One dispatched event of a `text/event-stream`, WHATWG HTML, "Server-sent events". */
export interface SseMessage {
  /** The `event:` field, `message` where there was none. */
  event: string;
  data: string;
  /** Last event id in force when the event was dispatched, empty before the first one. */
  id: string;
}

/** Reads an event stream from chunks of bytes that may be cut anywhere, inside a character or a CRLF too. */
export class SseParser {
  // Node's own removal of a byte order mark takes a second one too where the first is a chunk of its own.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #started = false;
  #line = '';
  #skipLineFeed = false;
  #event = '';
  #data: string[] = [];
  #dataLength = 0;
  #pendingId = '';
  #lastEventId = '';
  #retryMs: number | undefined;

  /** The id to resume from: that of the last block that was closed by an empty line, with data or without. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /** UTF-16 code units kept of an event that is not complete yet: what a reader has to bound. */
  get held(): number {
    return this.#line.length + this.#dataLength;
  }

  /** The last `retry:` value in milliseconds, if there was one. */
  get retryMs(): number | undefined {
    return this.#retryMs;
  }

  /** The events that this chunk completes. What the end of the stream leaves open is never dispatched. */
  push(chunk: Uint8Array): SseMessage[] {
    let text = this.#decoder.decode(chunk, { stream: true });
    if (text === '') return [];
    if (!this.#started && text.startsWith('\uFEFF')) text = text.slice(1);
    this.#started = true;
    if (this.#skipLineFeed && text.startsWith('\n')) text = text.slice(1);
    const messages: SseMessage[] = [];
    let start = 0;
    for (const end of text.matchAll(/\r\n|\n|\r/g)) {
      this.#endLine(this.#line + text.slice(start, end.index), messages);
      this.#line = '';
      start = end.index + end[0].length;
    }
    this.#line += text.slice(start);
    // A CR ends its line at once: waiting for a possible LF would hold back the last event of a quiet stream.
    this.#skipLineFeed = text.endsWith('\r');
    return messages;
  }

  #endLine(line: string, messages: SseMessage[]): void {
    if (line === '') {
      this.#dispatch(messages);
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    if (colon < 0) this.#field(line, '');
    else this.#field(line.slice(0, colon), line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1));
  }

  #field(name: string, value: string): void {
    if (name === 'data') {
      this.#data.push(value);
      this.#dataLength += value.length + 1;
    } else if (name === 'event') this.#event = value;
    else if (name === 'id' && !value.includes('\0')) this.#pendingId = value;
    else if (name === 'retry' && /^[0-9]+$/.test(value)) this.#retryMs = Number(value);
  }

  #dispatch(messages: SseMessage[]): void {
    this.#lastEventId = this.#pendingId;
    if (this.#data.length > 0) {
      messages.push({ event: this.#event || 'message', data: this.#data.join('\n'), id: this.#lastEventId });
    }
    this.#event = '';
    this.#data = [];
    this.#dataLength = 0;
  }
}
