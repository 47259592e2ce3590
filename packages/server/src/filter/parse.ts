/** The text of a filter as a tree. docs/filters.md has the grammar. */
import { FilterError } from './errors.ts';
import { MAX_LIST, MAX_NESTING, MAX_TERMS } from './limits.ts';
import { isKeyword, type Path, SOURCES, scanPath } from './path.ts';
import { type Literal, type Scalar, Scanner } from './scanner.ts';
import { withTimes } from './times.ts';

export type Order = '<' | '<=' | '>' | '>=';

export type Term =
  | { kind: 'order'; path: Path; order: Order; value: string | number }
  /** `==` and `!=` with one value, `in` and `not in` with a list of them. */
  | Among
  | { kind: 'exists'; path: Path };

export interface Among {
  kind: 'among';
  path: Path;
  values: readonly Scalar[];
  list: boolean;
  negated: boolean;
}

export type Node = Term | { kind: 'and' | 'or'; of: readonly Node[] } | { kind: 'not'; of: Node };

const COMPARISON = 'a comparison (== != < <= > >=), "in" or "not in"';
const LITERAL = 'a literal (a number, quoted text, true, false or null)';
/** The longer ones first. */
const OPERATORS = ['==', '!=', '<=', '>=', '=', '<', '>'] as const;
const LITERAL_START = /[-"'\d[]/;

/** @throws FilterError */
export function parseFilter(text: string): Node {
  return new Parser(text).whole();
}

class Parser {
  readonly #scanner: Scanner;
  #terms = 0;
  #depth = 0;

  constructor(text: string) {
    this.#scanner = new Scanner(text);
  }

  whole(): Node {
    const node = this.#or();
    if (!this.#scanner.done) throw this.#scanner.unexpected('"and", "or" or the end');
    return node;
  }

  #or(): Node {
    return this.#chain('or', '||', () => this.#chain('and', '&&', () => this.#not()));
  }

  #chain(kind: 'and' | 'or', symbol: string, operand: () => Node): Node {
    const nodes = [operand()];
    while (this.#scanner.eatWord(kind) || this.#scanner.eat(symbol)) nodes.push(operand());
    // Grouping what is associative says nothing.
    const of = nodes.flatMap((node) => (node.kind === kind ? node.of : [node]));
    return of.length === 1 ? (of[0] as Node) : { kind, of };
  }

  /** Leaves the scanner behind the blanks that follow. */
  #not(): Node {
    const scanner = this.#scanner;
    scanner.blanks();
    const start = scanner.at;
    if (scanner.eatWord('not') || scanner.eat('!')) {
      return { kind: 'not', of: this.#nested(start, () => this.#not()) };
    }
    if (!scanner.eat('(')) return this.#term();
    const node = this.#nested(start, () => this.#or());
    if (!scanner.eat(')')) throw scanner.unexpected('"and", "or" or ")"');
    scanner.blanks();
    return node;
  }

  #nested(start: number, inner: () => Node): Node {
    if (++this.#depth > MAX_NESTING) {
      throw new FilterError('too-deep', start, `expected parentheses and "not" nested at most ${MAX_NESTING} deep`);
    }
    const node = inner();
    this.#depth--;
    return node;
  }

  #term(): Node {
    const scanner = this.#scanner;
    if (++this.#terms > MAX_TERMS) {
      throw new FilterError('too-many-terms', scanner.at, `expected at most ${MAX_TERMS} comparisons`);
    }
    const term = scanner.eatWord('exists') ? this.#exists() : this.#comparison();
    scanner.blanks();
    return term;
  }

  #exists(): Term {
    const scanner = this.#scanner;
    scanner.blanks();
    const enclosed = scanner.eat('(');
    scanner.blanks();
    const path = this.#path();
    if (enclosed) {
      scanner.blanks();
      if (!scanner.eat(')')) throw scanner.unexpected('")"');
    }
    return { kind: 'exists', path };
  }

  #comparison(): Term {
    const scanner = this.#scanner;
    this.#refuseLiteral();
    const path = this.#path();
    scanner.blanks();
    const negated = scanner.eatWord('not');
    scanner.blanks();
    if (scanner.eatWord('in')) {
      return { kind: 'among', path, values: withTimes(path, this.#list()), list: true, negated };
    }
    if (negated) throw scanner.unexpected('"in" after "not"');
    const operator = OPERATORS.find((symbol) => scanner.eat(symbol));
    if (operator === undefined) throw scanner.unexpected(COMPARISON);
    const literal = this.#literal();
    const values = withTimes(path, [literal]);
    if (operator === '=' || operator === '==' || operator === '!=') {
      return { kind: 'among', path, values, list: false, negated: operator === '!=' };
    }
    const [value] = values;
    if (typeof value !== 'number' && typeof value !== 'string') {
      throw new FilterError('no-order', literal.position, `expected a number or text after ${operator}`);
    }
    return { kind: 'order', path, order: operator, value };
  }

  #path(): Path {
    const path = scanPath(this.#scanner);
    return path.text === SOURCES.text ? SOURCES : path;
  }

  #refuseLiteral(): void {
    const scanner = this.#scanner;
    const word = scanner.peekWord()?.toLowerCase();
    if (LITERAL_START.test(scanner.char) || word === 'true' || word === 'false' || word === 'null') {
      throw scanner.unexpected('a path first, as in PATH > 30', 'literal-first');
    }
    if (word === undefined || isKeyword(word)) throw scanner.unexpected('a path, "exists", "not" or "("');
  }

  #list(): Literal[] {
    const scanner = this.#scanner;
    scanner.blanks();
    const close = scanner.eat('[') ? ']' : scanner.eat('(') ? ')' : undefined;
    if (close === undefined) throw scanner.unexpected('a list, as in [1, 2]');
    const literals: Literal[] = [];
    do {
      literals.push(this.#literal());
      if (literals.length > MAX_LIST) {
        const position = literals[MAX_LIST]!.position;
        throw new FilterError('too-many-items', position, `expected at most ${MAX_LIST} items in a list`);
      }
      scanner.blanks();
    } while (scanner.eat(','));
    if (!scanner.eat(close)) throw scanner.unexpected(`"," or "${close}"`);
    return literals;
  }

  #literal(): Literal {
    const scanner = this.#scanner;
    scanner.blanks();
    const position = scanner.at;
    const { char } = scanner;
    if (char === '"' || char === "'") return { position, value: scanner.string() };
    if (char === '-' || (char >= '0' && char <= '9')) return { position, value: scanner.number() };
    if (scanner.eatWord('true')) return { position, value: true };
    if (scanner.eatWord('false')) return { position, value: false };
    if (scanner.eatWord('null')) return { position, value: null };
    throw scanner.unexpected(LITERAL);
  }
}
