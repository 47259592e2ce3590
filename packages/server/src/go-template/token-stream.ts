/** The tokens of a template with a place among them, and errors that say where. */
import { toText } from './bytes.ts';
import { type GoTemplateErrorCode, MAX_DEPTH, Refusal } from './errors.ts';
import { type Token, tokenize } from './lexer.ts';

/** Makes an error of the index of a byte and a message. */
export type Fail = (code: GoTemplateErrorCode, pos: number, message: string) => Error;

export class TokenStream {
  readonly #tokens: readonly Token[];
  readonly #fail: Fail;
  #next = 0;
  #depth = 0;

  constructor(source: string, fail: Fail) {
    this.#tokens = tokenize(source);
    this.#fail = fail;
  }

  get position(): number {
    return this.#next;
  }

  goBackTo(position: number): void {
    this.#next = position;
  }

  /** The next token, space as well; at the end, the last one for ever. */
  peek(): Token {
    return this.#tokens[Math.min(this.#next, this.#tokens.length - 1)] as Token;
  }

  take(): Token {
    const token = this.peek();
    this.#next++;
    return token;
  }

  peekPastSpace(): Token {
    while (this.peek().type === 'space') this.#next++;
    return this.peek();
  }

  takePastSpace(): Token {
    this.peekPastSpace();
    return this.take();
  }

  previous(): Token {
    return this.#tokens[this.#next - 1] ?? this.peek();
  }

  expectClose(context: string): void {
    const token = this.takePastSpace();
    if (token.type !== 'close') throw this.unexpected(token, context);
  }

  /** Reads something that is nested in something of its kind. */
  nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw this.fail(this.peek(), `nested deeper than ${MAX_DEPTH}`, 'limit');
    const result = read();
    this.#depth--;
    return result;
  }

  /** Reads the value of a token; what it refuses is an error at that token. */
  valueOf<T>(token: Token, read: (token: Token) => T): T {
    try {
      return read(token);
    } catch (error) {
      if (error instanceof Refusal) throw this.fail(token, toText(error.message), error.code);
      throw error;
    }
  }

  unexpected(token: Token, context: string): Error {
    if (token.type === 'error') return this.fail(token, token.text);
    const what = token.type === 'eof' ? 'EOF' : `"${toText(token.text)}"`;
    return this.fail(token, `unexpected ${what} in ${context}`);
  }

  fail({ pos }: { pos: number }, message: string, code: GoTemplateErrorCode = 'syntax'): Error {
    return this.#fail(code, pos, message);
  }
}
