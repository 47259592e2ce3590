/** Filters of feeds, watchers and subscriptions: comparisons on an event's metadata and payload. See docs/filters.md. */
import { compileMatch, compilePossible, type Test } from './compile.ts';
import { FilterError } from './errors.ts';
import { MAX_FILTER_LENGTH } from './limits.ts';
import { type Node, parseFilter } from './parse.ts';
import type { Subject } from './path.ts';
import { type Range, type Required, rangeOf, requiredOf } from './required.ts';
import { writeFilter } from './write.ts';

export class Filter {
  /** The one spelling of all filters that are written alike but for blanks, quotes and needless parentheses. */
  readonly canonical: string;
  /**
   * An equality that every match satisfies: `path.read` gives one of the values, or a list with one of them. Undefined
   * where there is none.
   */
  readonly required: Required | undefined;
  /** Numbers between which `path.read` of every match is. Undefined where there are none. */
  readonly range: Range | undefined;
  readonly #matches: Test;
  readonly #mayMatch: Test;

  private constructor(node: Node, canonical: string) {
    this.canonical = canonical;
    this.required = requiredOf(node);
    this.range = rangeOf(node);
    this.#matches = compileMatch(node);
    this.#mayMatch = compilePossible(node, true);
  }

  /** @throws FilterError */
  static parse(text: string): Filter {
    const node = parseFilter(text);
    const canonical = writeFilter(node);
    if (canonical.length > MAX_FILTER_LENGTH) {
      throw new FilterError('too-long', text.length, `written out, longer than ${MAX_FILTER_LENGTH} characters`);
    }
    return new Filter(node, canonical);
  }

  /** For what is about one event. */
  matches(subject: Subject): boolean {
    return this.#matches(subject);
  }

  /** For what has no payload of one event: false only where the metadata alone decide it. */
  mayMatch(subject: Subject): boolean {
    return this.#mayMatch(subject);
  }
}
