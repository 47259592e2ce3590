/**
 * Go's `text/template` over JSON data: renders byte for byte what Go 1.26 renders with its default options, or refuses.
 * Go itself as WebAssembly (@evertdespiegeleer/go-template) took 203 ms from start to exit, has no functions of our own
 * and fails on a missing key where Go prints `<no value>`: it cannot keep the notifier's contract, hence this one.
 */
import type { List } from './ast.ts';
import { toBytes } from './bytes.ts';
import { GoTemplateError, type GoTemplateErrorCode, type GoTemplatePlace, Refusal } from './errors.ts';
import { evaluate } from './evaluator.ts';
import { FUNCTION_NAMES, functionsFor, type Surroundings } from './functions.ts';
import { parseTemplates } from './parser.ts';
import { fromJson, type JsonData } from './values.ts';

export class GoTemplate {
  readonly #name: string;
  readonly #source: string;
  readonly #templates: ReadonlyMap<string, List>;

  /**
   * @param name what errors call it
   * @param text the template, or its bytes
   * @throws GoTemplateError `syntax`, `unsupported` or `limit`
   */
  constructor(name: string, text: string | Uint8Array) {
    this.#name = name;
    this.#source = typeof text === 'string' ? toBytes(text) : Buffer.from(text).toString('latin1');
    this.#templates = parseTemplates(this.#source, {
      name: toBytes(name),
      functions: FUNCTION_NAMES,
      fail: (code, pos, message) => this.#error(code, pos, message),
    });
  }

  /**
   * @param data what a JSON text holds
   * @returns bytes: a template can write what is no UTF-8
   * @throws GoTemplateError `execution`, `unsupported` or `limit`; nothing is rendered then
   */
  render(data: JsonData, surroundings: Surroundings): Buffer {
    const program = {
      templates: this.#templates,
      functions: functionsFor(surroundings),
      fail: (code: GoTemplateErrorCode, pos: number, message: string) => this.#error(code, pos, message),
    };
    return Buffer.from(evaluate(program, toBytes(this.#name), this.#values(data)), 'latin1');
  }

  #values(data: JsonData) {
    try {
      return fromJson(data);
    } catch (error) {
      if (error instanceof Refusal) throw this.#error(error.code, 0, error.message);
      throw error;
    }
  }

  #error(code: GoTemplateErrorCode, pos: number, message: string): GoTemplateError {
    return new GoTemplateError(code, this.#placeOf(pos), message);
  }

  #placeOf(pos: number): GoTemplatePlace {
    const before = Buffer.from(this.#source.slice(0, pos), 'latin1').toString('utf8');
    const lineStart = before.lastIndexOf('\n') + 1;
    return {
      template: this.#name,
      line: before.split('\n').length,
      column: [...before.slice(lineStart)].length + 1,
    };
  }
}
