/** From tokens to trees: the grammar of Go's `text/template`. */
import type { Branch, Command, List, Node, Operand, Pipe } from './ast.ts';
import { toText } from './bytes.ts';
import type { Token, TokenType } from './lexer.ts';
import { charLiteral, type NumberLiteral, parseNumber } from './number.ts';
import { type Fail, TokenStream } from './token-stream.ts';
import { unquoteChar, unquoteString } from './unquote.ts';

export interface ParseOptions {
  name: string;
  /** What may be called. */
  functions: ReadonlySet<string>;
  fail: Fail;
}

/** What a template, or one that is defined within it, brings with it. */
interface Scope {
  variables: string[];
  rangeDepth: number;
}

/** How a list of nodes ended: at an `end`, or at an `else` with or without what follows it at once. */
interface Ending {
  word: 'end' | 'else';
  chained?: 'if' | 'with';
}

const OPERANDS: ReadonlySet<TokenType> = new Set<TokenType>([
  ...(['bool', 'char', 'complex', 'dot', 'field', 'identifier', 'number'] as const),
  ...(['nil', 'raw-string', 'string', 'variable', 'left-paren'] as const),
]);
const LITERALS: ReadonlySet<Operand['kind']> = new Set(['bool', 'dot', 'nil', 'number', 'string']);

/** @returns the templates by name, the whole text's among them */
export function parseTemplates(source: string, options: ParseOptions): ReadonlyMap<string, List> {
  return new Parser(source, options).templates();
}

class Parser {
  readonly #tokens: TokenStream;
  readonly #options: ParseOptions;
  readonly #templates = new Map<string, List>();
  #scope: Scope = newScope();

  constructor(source: string, options: ParseOptions) {
    this.#tokens = new TokenStream(source, options.fail);
    this.#options = options;
  }

  templates(): ReadonlyMap<string, List> {
    const list: Node[] = [];
    for (let token = this.#tokens.take(); token.type !== 'eof'; token = this.#tokens.take()) {
      if (token.type === 'open' && isWord(this.#tokens.peekPastSpace(), 'define')) {
        this.#definition();
        continue;
      }
      const node = this.#node(token);
      if ('word' in node) throw this.#tokens.fail(token, `unexpected {{${node.word}}}`);
      list.push(node);
    }
    this.#add({ name: this.#options.name, pos: 0 }, list);
    return this.#templates;
  }

  #definition(): void {
    this.#tokens.takePastSpace();
    const name = this.#name('define clause');
    this.#tokens.expectClose('define clause');
    this.#add(name, this.#ownList('define clause'));
  }

  #name(context: string): { name: string; pos: number } {
    const token = this.#tokens.takePastSpace();
    if (token.type !== 'string' && token.type !== 'raw-string') throw this.#tokens.unexpected(token, context);
    return { name: this.#tokens.valueOf(token, ({ text }) => unquoteString(text)), pos: token.pos };
  }

  /** The body of a definition: no variable reaches into it, and no `break` out of it. */
  #ownList(context: string): List {
    const outer = this.#scope;
    this.#scope = newScope();
    const { list, ending } = this.#list();
    this.#scope = outer;
    if (ending.word === 'end') return list;
    throw this.#tokens.fail(this.#tokens.previous(), `unexpected {{else}} in ${context}`);
  }

  /** A name is given once, unless all that was given was blank. */
  #add({ name, pos }: { name: string; pos: number }, list: List): void {
    const known = this.#templates.get(name);
    if (known === undefined || isBlank(known)) this.#templates.set(name, list);
    else if (!isBlank(list)) throw this.#tokens.fail({ pos }, `multiple definition of template "${toText(name)}"`);
  }

  #list(): { list: List; ending: Ending } {
    return this.#tokens.nested(() => {
      const list: Node[] = [];
      for (;;) {
        const token = this.#tokens.take();
        if (token.type === 'eof') throw this.#tokens.fail(token, 'unexpected EOF');
        const node = this.#node(token);
        if ('word' in node) return { list, ending: node };
        list.push(node);
      }
    });
  }

  #node(token: Token): Node | Ending {
    if (token.type === 'text') return { kind: 'text', pos: token.pos, text: token.text };
    if (token.type !== 'open') throw this.#tokens.unexpected(token, 'input');
    const first = this.#tokens.peekPastSpace();
    if (first.type !== 'keyword' || first.text === 'define') {
      return { kind: 'action', pos: first.pos, pipe: this.#pipe('command', 'close') };
    }
    this.#tokens.takePastSpace();
    switch (first.text) {
      case 'if':
      case 'with':
      case 'range':
        return this.#branch(first.text, first.pos);
      case 'block':
      case 'template':
        return this.#template(first.text);
      case 'else':
        return this.#else();
      case 'end':
        this.#tokens.expectClose('end');
        return { word: 'end' };
      default:
        return this.#leave(first);
    }
  }

  #else(): Ending {
    const next = this.#tokens.peekPastSpace();
    if (isWord(next, 'if') || isWord(next, 'with')) return { word: 'else', chained: next.text as 'if' | 'with' };
    this.#tokens.expectClose('else');
    return { word: 'else' };
  }

  #leave({ text, pos }: Token): Node {
    this.#tokens.expectClose(`{{${text}}}`);
    if (this.#scope.rangeDepth === 0) throw this.#tokens.fail({ pos }, `{{${text}}} outside {{range}}`);
    return { kind: text as 'break' | 'continue', pos };
  }

  #branch(kind: Branch['kind'], pos: number): Branch {
    const { variables } = this.#scope;
    const known = variables.length;
    const pipe = this.#pipe(kind, 'close');
    const ranges = kind === 'range' ? 1 : 0;
    this.#scope.rangeDepth += ranges;
    const { list, ending } = this.#list();
    this.#scope.rangeDepth -= ranges;
    const elseList = ending.word === 'end' ? undefined : this.#elseList(kind, ending);
    variables.length = known;
    return { kind, pos, pipe, list, elseList };
  }

  /** `{{else if}}` is an `if` in the else list whose `end` is that of the whole. */
  #elseList(kind: Branch['kind'], { chained }: Ending): List {
    if (chained !== undefined) {
      const token = this.#tokens.takePastSpace();
      if (chained !== kind) throw this.#tokens.unexpected(token, 'else');
      return [this.#tokens.nested(() => this.#branch(chained, token.pos))];
    }
    const { list, ending } = this.#list();
    if (ending.word === 'end') return list;
    throw this.#tokens.fail(this.#tokens.previous(), 'expected end; found {{else}}');
  }

  #template(word: 'block' | 'template'): Node {
    const context = `${word} clause`;
    const named = this.#name(context);
    const bare = word === 'template' && this.#tokens.peekPastSpace().type === 'close';
    const pipe = bare ? undefined : this.#pipe(context, 'close');
    if (bare) this.#tokens.take();
    if (word === 'block') this.#add(named, this.#ownList(context));
    return { kind: 'template', ...named, pipe };
  }

  #pipe(context: string, end: 'close' | 'right-paren'): Pipe {
    const { pos } = this.#tokens.peekPastSpace();
    const pipe: Pipe = { kind: 'pipe', pos, variables: [], assigns: false, commands: [] };
    while (this.#declares(pipe, context));
    for (let token = this.#tokens.peekPastSpace(); token.type !== end; token = this.#tokens.peekPastSpace()) {
      if (!OPERANDS.has(token.type)) throw this.#tokens.unexpected(this.#tokens.takePastSpace(), context);
      pipe.commands.push(this.#command());
    }
    this.#tokens.takePastSpace();
    if (pipe.commands.length === 0) throw this.#tokens.fail(this.#tokens.previous(), `missing value for ${context}`);
    const idle = pipe.commands.find(({ operands: [first] }, index) => index > 0 && LITERALS.has(first.kind));
    if (idle !== undefined) throw this.#tokens.fail(idle, 'non executable command behind a pipe');
    return pipe;
  }

  /** Reads a variable that is declared or assigned. @returns whether another has to follow */
  #declares(pipe: Pipe, context: string): boolean {
    const variable = this.#tokens.peekPastSpace();
    if (variable.type !== 'variable') return false;
    const begin = this.#tokens.position;
    this.#tokens.takePastSpace();
    const next = this.#tokens.peekPastSpace();
    if (next.type !== 'assign' && next.type !== 'declare' && next.type !== 'comma') {
      this.#tokens.goBackTo(begin);
      return false;
    }
    this.#tokens.takePastSpace();
    pipe.variables.push(variable.text);
    this.#scope.variables.push(variable.text);
    if (next.type !== 'comma') {
      pipe.assigns = next.type === 'assign';
      return false;
    }
    if (context !== 'range' || pipe.variables.length > 1) throw this.#tokens.fail(next, 'too many declarations');
    const { type } = this.#tokens.peekPastSpace();
    if (type === 'variable') return true;
    if (type === 'close' || type === 'right-paren') return false;
    throw this.#tokens.fail(next, 'range can only initialize variables');
  }

  #command(): Command {
    const operands: Operand[] = [];
    const pos = this.#tokens.peekPastSpace().pos;
    do {
      const operand = this.#operand();
      if (operand !== undefined) operands.push(operand);
    } while (this.#tokens.peek().type === 'space');
    const { type } = this.#tokens.peek();
    if (type === 'pipe') this.#tokens.take();
    else if (type !== 'close' && type !== 'right-paren') throw this.#tokens.unexpected(this.#tokens.take(), 'operand');
    const [first, ...others] = operands;
    if (first === undefined) throw this.#tokens.fail({ pos }, 'empty command');
    return { pos, operands: [first, ...others] };
  }

  #operand(): Operand | undefined {
    const term = this.#term();
    const { pos, type } = this.#tokens.peek();
    if (term === undefined || type !== 'field') return term;
    const path: string[] = [];
    while (this.#tokens.peek().type === 'field') path.push(this.#tokens.take().text.slice(1));
    switch (term.kind) {
      case 'field':
      case 'variable':
        return { ...term, path: [...term.path, ...path] };
      case 'function':
      case 'pipe':
        return { kind: 'chain', pos, base: term, path };
      default:
        throw this.#tokens.fail({ pos }, 'unexpected . after a term that has no fields');
    }
  }

  #term(): Operand | undefined {
    const token = this.#tokens.peekPastSpace();
    if (!OPERANDS.has(token.type)) return undefined;
    const { pos, text, type } = this.#tokens.takePastSpace();
    switch (type) {
      case 'bool':
        return { kind: 'bool', pos, value: text === 'true' };
      case 'dot':
      case 'nil':
        return { kind: type, pos };
      case 'field':
        return { kind: 'field', pos, path: [text.slice(1)] };
      case 'identifier':
        if (this.#options.functions.has(text)) return { kind: 'function', pos, name: text };
        throw this.#tokens.fail(token, `function "${toText(text)}" not defined`);
      case 'variable':
        if (this.#scope.variables.includes(text)) return { kind: 'variable', pos, name: text, path: [] };
        throw this.#tokens.fail(token, `undefined variable "${toText(text)}"`);
      case 'left-paren':
        return this.#tokens.nested(() => this.#pipe('parenthesized pipeline', 'right-paren'));
      case 'string':
      case 'raw-string':
        return { kind: 'string', pos, text, value: this.#tokens.valueOf(token, ({ text }) => unquoteString(text)) };
      default:
        return { kind: 'number', pos, text, value: this.#tokens.valueOf(token, numberIn) };
    }
  }
}

function newScope(): Scope {
  return { variables: ['$'], rangeDepth: 0 };
}

function numberIn({ type, text }: Token): NumberLiteral {
  return type === 'char' ? charLiteral(unquoteChar(text)) : parseNumber(text);
}

function isWord({ type, text }: Token, word: string): boolean {
  return type === 'keyword' && text === word;
}

function isBlank(list: List): boolean {
  return list.every((node) => node.kind === 'text' && /^\p{White_Space}*$/u.test(toText(node.text)));
}
