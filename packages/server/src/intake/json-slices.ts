/**
 * Finds the events of a `{sourceId?, events: […]}` body without building its tree: the bytes of each element are
 * journaled exactly as they came, and a malformed element spoils only itself.
 */
import { type Decoded, tooManyEvents } from './decoded.ts';
import { IntakeError } from './errors.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Nothing but `events` is expected to be large, and parsing 10 MB of brackets takes seconds and hundreds of megabytes. */
const MAX_BESIDE_BYTES = 64 * 1024;

/** @throws IntakeError `bad-request` when there are no events, `body-malformed` when the frame around them is not JSON */
export function sliceEvents(body: Buffer, maxItems: number): Decoded {
  const scanner = new Scanner(body);
  let sourceId: string | undefined;
  let items: Buffer[] | undefined;
  const names = new Set<unknown>();
  if (scanner.peek() === OPEN_BRACKET) throw eventsMissing();
  scanner.members(OPEN_BRACE, CLOSE_BRACE, () => {
    const name = parsed(scanner.value());
    if (typeof name !== 'string') throw malformed('a name is due');
    scanner.expect(COLON);
    if (names.has(name)) throw new IntakeError('bad-request', `"${String(name)}" is given twice`);
    names.add(name);
    if (name === 'events' && scanner.peek() === OPEN_BRACKET) items = elements(scanner, maxItems);
    else if (name === 'sourceId') sourceId = sourceIdFrom(parsed(scanner.value()));
    else if (name === 'events') throw new IntakeError('bad-request', '"events" must be an array');
    else parsed(scanner.value());
  });
  if (!scanner.atEnd()) throw malformed('there is something after the closing brace');
  if (items === undefined) throw eventsMissing();
  return { sourceId, items };
}

function elements(scanner: Scanner, maxItems: number): Buffer[] {
  const items: Buffer[] = [];
  scanner.members(OPEN_BRACKET, CLOSE_BRACKET, () => {
    if (items.length === maxItems) throw tooManyEvents(maxItems);
    items.push(scanner.value());
  });
  return items;
}

function sourceIdFrom(value: unknown): string {
  if (typeof value !== 'string') throw new IntakeError('bad-request', '"sourceId" must be text');
  return value;
}

function parsed(slice: Buffer): unknown {
  if (slice.length > MAX_BESIDE_BYTES) throw malformed('a name or value beside "events" is too large');
  try {
    return JSON.parse(slice.toString('utf8'));
  } catch (cause) {
    throw malformed('a name or value beside "events" is not JSON', cause);
  }
}

function eventsMissing(): IntakeError {
  return new IntakeError('bad-request', 'events[] required: {"sourceId"?: …, "events": […]}');
}

function malformed(why: string, cause?: unknown): IntakeError {
  return new IntakeError('body-malformed', `the body is not valid JSON: ${why}`, { cause });
}

/** Knows just enough JSON to find where a value ends: strings and balanced brackets. */
export class Scanner {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  peek(): number | undefined {
    this.#skipSpace();
    return this.#body[this.#at];
  }

  atEnd(): boolean {
    return this.peek() === undefined;
  }

  expect(byte: number): void {
    if (this.peek() !== byte) throw this.#unexpected(`"${String.fromCharCode(byte)}" is due`);
    this.#at++;
  }

  /** Calls `member` at the start of each comma-separated part between `open` and `close`. */
  members(open: number, close: number, member: () => void): void {
    this.expect(open);
    if (this.peek() === close) {
      this.#at++;
      return;
    }
    for (;;) {
      member();
      if (this.peek() !== COMMA) break;
      this.#at++;
    }
    this.expect(close);
  }

  /** The bytes of the value that starts here; whether they are JSON is for whoever parses them. */
  value(): Buffer {
    this.#skipSpace();
    const start = this.#at;
    let depth = 0;
    for (;;) {
      const byte = this.#body[this.#at];
      if (byte === undefined) break;
      if (byte === QUOTE) {
        this.#skipString();
        if (depth === 0) break;
        continue;
      }
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        if (depth === 0) break;
        depth--;
        if (depth === 0) {
          this.#at++;
          break;
        }
      } else if (depth === 0 && (byte === COMMA || byte === COLON || isSpace(byte))) break;
      this.#at++;
    }
    if (depth > 0) throw this.#unexpected('it ends inside a value');
    if (this.#at === start) throw this.#unexpected('a value is due');
    return this.#body.subarray(start, this.#at);
  }

  #skipString(): void {
    for (let at = this.#at + 1; ; ) {
      const quote = this.#body.indexOf(QUOTE, at);
      if (quote === -1) {
        this.#at = this.#body.length;
        throw this.#unexpected('it ends inside a string');
      }
      let escapes = 0;
      while (this.#body[quote - 1 - escapes] === BACKSLASH) escapes++;
      at = quote + 1;
      if (escapes % 2 === 0) {
        this.#at = at;
        return;
      }
    }
  }

  #skipSpace(): void {
    while (isSpace(this.#body[this.#at])) this.#at++;
  }

  #unexpected(why: string): IntakeError {
    return malformed(`${why} at byte ${this.#at}`);
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
