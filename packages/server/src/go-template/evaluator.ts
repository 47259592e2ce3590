/** Walks the trees of a template and writes what they say. */
import { fitted, fittedLiteral, fittedNil, fittedNumber, idealNumber } from './arguments.ts';
import type { Branch, Command, List, Node, Operand, Pipe } from './ast.ts';
import { toText } from './bytes.ts';
import { elementsOf } from './collections.ts';
import { MAX_DEPTH, Refusal } from './errors.ts';
import type { Callable, Param } from './functions.ts';
import { methodOf } from './methods.ts';
import { sprint } from './print.ts';
import type { Fail } from './token-stream.ts';
import { isMap, isTrue, typeName, type Value } from './values.ts';

export interface Program {
  templates: ReadonlyMap<string, List>;
  functions: ReadonlyMap<string, Callable>;
  fail: Fail;
}

/** How a list was left before its end. */
type Left = 'break' | 'continue' | undefined;

/** The last argument of a command, where it comes out of the command before. */
interface Piped {
  value: Value;
}

/** @returns the bytes that are written */
export function evaluate(program: Program, name: string, data: Value): string {
  const written: string[] = [];
  new Evaluator(program, written, data, 0).walk(data, program.templates.get(name) ?? []);
  return written.join('');
}

/** One call of a template, with variables of its own. */
class Evaluator {
  readonly #program: Program;
  readonly #written: string[];
  readonly #depth: number;
  readonly #variables: { name: string; value: Value }[];
  /** Where in the source what is being evaluated stands. */
  #pos = 0;

  constructor(program: Program, written: string[], data: Value, depth: number) {
    this.#program = program;
    this.#written = written;
    this.#depth = depth;
    this.#variables = [{ name: '$', value: data }];
  }

  walk(dot: Value, list: List): Left {
    for (const node of list) {
      const left = this.#walkNode(dot, node);
      if (left !== undefined) return left;
    }
    return undefined;
  }

  #walkNode(dot: Value, node: Node): Left {
    this.#pos = node.pos;
    switch (node.kind) {
      case 'text':
        this.#written.push(node.text);
        return undefined;
      case 'action':
        return this.#action(dot, node.pipe);
      case 'template':
        return this.#template(dot, node.name, node.pipe, node.pos);
      case 'range':
        return this.#scoped(() => this.#range(dot, node));
      case 'if':
      case 'with':
        return this.#scoped(() => this.#ifOrWith(dot, node));
      default:
        return node.kind;
    }
  }

  /** What declares a variable prints nothing. */
  #action(dot: Value, pipe: Pipe): undefined {
    const value = this.#pipe(dot, pipe);
    if (pipe.variables.length > 0) return;
    this.#written.push(value === undefined ? '<no value>' : this.#at(pipe.pos, () => sprint([value])));
  }

  #scoped(walk: () => Left): Left {
    const known = this.#variables.length;
    const left = walk();
    this.#variables.length = known;
    return left;
  }

  #ifOrWith(dot: Value, { kind, pipe, list, elseList }: Branch): Left {
    const value = this.#pipe(dot, pipe);
    if (isTrue(value)) return this.walk(kind === 'with' ? value : dot, list);
    return this.walk(dot, elseList ?? []);
  }

  #range(dot: Value, branch: Branch): Left {
    const { pipe, list, elseList, pos } = branch;
    const value = this.#pipe(dot, pipe);
    const known = this.#variables.length;
    const elements = elementsOf(value, pipe.variables.length);
    let any = false;
    for (;;) {
      const next = this.#at(pos, () => elements.next());
      if (next.done === true) break;
      any = true;
      this.#setRangeVariables(pipe, ...next.value);
      const left = this.walk(next.value[1], list);
      this.#variables.length = known;
      if (left === 'break') break;
    }
    return any ? undefined : this.walk(dot, elseList ?? []);
  }

  /** Of two variables the first gets the key; one alone gets the element. */
  #setRangeVariables({ variables, assigns }: Pipe, key: Value, element: Value): void {
    const values = variables.length > 1 ? [key, element] : [element];
    const first = this.#variables.length - variables.length;
    for (const [index, name] of variables.entries()) {
      if (assigns) this.#assign(name, values[index]);
      else this.#variables[first + index] = { name, value: values[index] };
    }
  }

  #template(dot: Value, name: string, pipe: Pipe | undefined, pos: number): undefined {
    const list = this.#program.templates.get(name);
    if (list === undefined) throw this.#fail(pos, `template "${toText(name)}" not defined`);
    if (this.#depth === MAX_DEPTH) {
      throw this.#program.fail('limit', pos, `templates call each other deeper than ${MAX_DEPTH}`);
    }
    const data = pipe === undefined ? undefined : this.#pipe(dot, pipe);
    new Evaluator(this.#program, this.#written, data, this.#depth + 1).walk(data, list);
  }

  /** What an `any` holds comes out of it after every command: a nil is then no value. */
  #pipe(dot: Value, { pos, commands, variables, assigns }: Pipe): Value {
    this.#pos = pos;
    let piped: Piped | undefined;
    for (const command of commands) piped = { value: this.#command(dot, command, piped) ?? undefined };
    const value = piped?.value;
    for (const name of variables) {
      if (assigns) this.#assign(name, value);
      else this.#variables.push({ name, value });
    }
    return value;
  }

  #command(dot: Value, { operands }: Command, piped: Piped | undefined): Value {
    const [first, ...args] = operands;
    const call = { pos: first.pos, args, piped };
    this.#pos = first.pos;
    if (first.kind === 'function') return this.#function(dot, first.name, call);
    if (first.kind === 'field') return this.#path(dot, dot, first.path, call);
    if (first.kind === 'chain') return this.#path(dot, this.#operand(dot, first.base), first.path, call);
    if (first.kind === 'variable' && first.path.length > 0) {
      return this.#path(dot, this.#variable(first.name), first.path, call);
    }
    if (first.kind === 'nil') throw this.#fail(first.pos, 'nil is not a command');
    const hasArguments = args.length > 0 || piped !== undefined;
    if (hasArguments) throw this.#fail(first.pos, "can't give argument to what is no function");
    return this.#operand(dot, first);
  }

  /** An operand that stands alone, whatever its type. */
  #operand(dot: Value, operand: Operand): Value {
    const { pos } = operand;
    const call = { pos, args: [], piped: undefined };
    this.#pos = pos;
    switch (operand.kind) {
      case 'dot':
        return dot;
      case 'pipe':
        return this.#pipe(dot, operand);
      case 'function':
        return this.#function(dot, operand.name, call);
      case 'field':
        return this.#path(dot, dot, operand.path, call);
      case 'variable':
        return this.#path(dot, this.#variable(operand.name), operand.path, call);
      case 'chain':
        return this.#path(dot, this.#operand(dot, operand.base), operand.path, call);
      case 'number':
        return this.#at(pos, () => idealNumber(operand.value, operand.text));
      case 'nil':
        return undefined;
      default:
        return operand.value;
    }
  }

  #argument(dot: Value, operand: Operand, param: Param): Value {
    const { pos } = operand;
    this.#pos = pos;
    switch (operand.kind) {
      case 'nil':
        return this.#at(pos, () => fittedNil(param));
      case 'number':
        return this.#at(pos, () => fittedNumber(operand.value, operand.text, param));
      case 'string':
      case 'bool':
        return this.#at(pos, () => fittedLiteral(operand.value, param));
      default:
        return this.#fitted(this.#operand(dot, operand), param, pos);
    }
  }

  #fitted(value: Value, param: Param, pos: number): Value {
    return this.#at(pos, () => fitted(value, param));
  }

  /** `.a.b` of a value; the last name may be that of a method, which gets the arguments. */
  #path(dot: Value, start: Value, path: readonly string[], call: Call): Value {
    let value = start;
    for (const [index, name] of path.entries()) {
      const last = index === path.length - 1;
      value = this.#field(dot, value, name, last ? call : { ...call, args: [], piped: undefined });
    }
    return value;
  }

  #field(dot: Value, receiver: Value, name: string, call: Call): Value {
    const { pos, args, piped } = call;
    if (receiver === undefined) return undefined;
    if (receiver === null) throw this.#fail(pos, `nil pointer evaluating interface {}.${toText(name)}`);
    const method = this.#at(pos, () => methodOf(receiver, name));
    if (method !== undefined) return this.#call(dot, method, name, call);
    if (!isMap(receiver)) {
      throw this.#fail(pos, `can't evaluate field ${toText(name)} in type ${typeName(receiver)}`);
    }
    if (args.length > 0 || piped !== undefined) {
      throw this.#fail(pos, `${toText(name)} is not a method but has arguments`);
    }
    return receiver.get(name);
  }

  #function(dot: Value, name: string, call: Call): Value {
    if (name === 'and' || name === 'or') return this.#logic(dot, name, call);
    const callable = this.#program.functions.get(name);
    if (callable === undefined) throw this.#fail(call.pos, `"${toText(name)}" is not a defined function`);
    return this.#call(dot, callable, name, call);
  }

  /** The first argument that decides, else the last. */
  #logic(dot: Value, name: 'and' | 'or', { pos, args, piped }: Call): Value {
    if (args.length === 0 && piped === undefined) throw this.#fail(pos, `wrong number of args for ${name}`);
    let value: Value;
    for (const arg of args) {
      value = this.#argument(dot, arg, 'value');
      if (isTrue(value) === (name === 'or')) return value;
    }
    return piped === undefined ? value : piped.value;
  }

  #call(dot: Value, { params, rest, call }: Callable, name: string, { pos, args, piped }: Call): Value {
    const count = args.length + (piped === undefined ? 0 : 1);
    if (count < params.length || (count > params.length && rest === undefined)) {
      throw this.#fail(pos, `wrong number of args for ${toText(name)}: want ${params.length} got ${count}`);
    }
    const paramAt = (index: number) => params[index] ?? rest ?? 'any';
    const values = args.map((arg, index) => this.#argument(dot, arg, paramAt(index)));
    if (piped !== undefined) values.push(this.#fitted(piped.value, paramAt(values.length), pos));
    return this.#at(pos, () => call(values), `error calling ${toText(name)}: `);
  }

  #variable(name: string): Value {
    const variable = this.#variables.findLast((known) => known.name === name);
    if (variable === undefined) throw this.#fail(this.#pos, `undefined variable: ${toText(name)}`);
    return variable.value;
  }

  #assign(name: string, value: Value): void {
    const variable = this.#variables.findLast((known) => known.name === name);
    if (variable === undefined) throw this.#fail(this.#pos, `undefined variable: ${toText(name)}`);
    variable.value = value;
  }

  /** Does something that knows no place; what it refuses is an error at this one. */
  #at<T>(pos: number, work: () => T, context = ''): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof Refusal) throw this.#program.fail(error.code, pos, context + toText(error.message));
      throw error;
    }
  }

  #fail(pos: number, message: string): Error {
    return this.#program.fail('execution', pos, message);
  }
}

/** What a function or method is called with, and where. */
interface Call {
  pos: number;
  args: readonly Operand[];
  piped: Piped | undefined;
}
