/**
 * Reads a schema into a tree that is known to be sound: every keyword is one of `vocabulary.ts`, every reference leads
 * to a subschema of the same document, and checking an event comes to an end on a bounded stack.
 */

import { PolicyError } from '../../policy/policy-error.ts';
import { list, object, text } from '../../policy/values.ts';
import { compilePattern } from '../pattern.ts';
import { assertSound } from './soundness.ts';
import { ANNOTATIONS, APPLICATORS, type Applicator, ASSERTIONS } from './vocabulary.ts';

export interface Subschema {
  /** Place in the policy. */
  where: string;
  /** Of `true` and `false`, which have nothing else. */
  verdict: boolean | undefined;
  assertions: [keyword: string, value: unknown][];
  applied: Applied[];
  ref: Subschema | undefined;
  /** 2, and 1 for each of its keywords and of the names that these list. */
  size: number;
}

export interface Applied {
  keyword: string;
  applicator: Applicator;
  /** The name is empty where there is only one subschema; in a list it is the index. */
  schemas: [name: string, schema: Subschema][];
}

const DIALECT = /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;
const DEFINITIONS = new Set(['$defs', 'definitions']);
const MAX_LISTED = 1000;
const MAX_PATTERNS = 100;

/** @throws PolicyError */
export function shapeSchema(value: unknown, where: string): Subschema {
  const { $schema, $id, ...rest } = object(value, where);
  if ($schema !== undefined && !DIALECT.test(text($schema, `${where}.$schema`))) {
    const remedy = 'use https://json-schema.org/draft/2020-12/schema, or leave it out';
    throw new PolicyError('invalid-value', `${where}.$schema`, 'is another dialect', remedy);
  }
  if ($id !== undefined) text($id, `${where}.$id`);
  const reader = new Reader();
  const root = reader.read(rest, where, '');
  reader.resolve();
  assertSound(root, [...reader.places.values()]);
  return root;
}

class Reader {
  /** By JSON pointer (RFC 6901). */
  readonly places = new Map<string, Subschema>();
  readonly #anchors = new Map<string, Subschema>();
  #patterns = 0;
  readonly #refs: { from: Subschema; to: string }[] = [];

  read(value: unknown, where: string, pointer: string): Subschema {
    const schema: Subschema = { where, verdict: undefined, assertions: [], applied: [], ref: undefined, size: 2 };
    this.places.set(pointer, schema);
    if (typeof value === 'boolean') {
      schema.verdict = value;
      return schema;
    }
    const keywords = object(value, where, 'give a schema: {…}, true or false');
    // Sorted, so that what is done first does not hang on the order of members, which the policy's hash hides.
    for (const keyword of Object.keys(keywords).sort()) {
      this.#keyword(schema, keyword, keywords[keyword], pointer);
    }
    return schema;
  }

  #keyword(schema: Subschema, keyword: string, value: unknown, pointer: string): void {
    const where = `${schema.where}.${keyword}`;
    const assertion = ASSERTIONS.get(keyword);
    const applicator = APPLICATORS.get(keyword);
    if (assertion !== undefined) {
      schema.size += 1 + assertion(value, where);
      if (keyword === 'pattern') this.#pattern(value as string, where);
      schema.assertions.push([keyword, value]);
    } else if (applicator !== undefined) {
      schema.size += 1;
      const schemas = this.#below(applicator, value, where, `${pointer}/${keyword}`);
      if (keyword === 'patternProperties') for (const [name] of schemas) this.#pattern(name, `${where}.${name}`);
      schema.applied.push({ keyword, applicator, schemas });
    } else if (DEFINITIONS.has(keyword)) {
      this.#below({ holds: 'named', about: 'part' }, value, where, `${pointer}/${keyword}`);
    } else if (keyword === '$anchor') {
      const name = text(value, where);
      if (this.#anchors.has(name)) throw new PolicyError('conflict', where, 'is there twice', 'give each its own name');
      this.#anchors.set(name, schema);
    } else if (keyword === '$ref') {
      schema.size += 1;
      this.#refs.push({ from: schema, to: text(value, where) });
    } else if (!ANNOTATIONS.has(keyword)) {
      const known = [...ASSERTIONS.keys(), ...APPLICATORS.keys(), '$ref', '$defs', '$anchor'];
      throw new PolicyError(
        'unknown-member',
        where,
        'is not checked here',
        `leave it out; there are ${known.join(', ')}`,
      );
    }
  }

  #below({ holds }: Applicator, value: unknown, where: string, pointer: string): [string, Subschema][] {
    if (holds === 'one') return [['', this.read(value, where, pointer)]];
    if (holds === 'list') {
      const items = list(value, where, MAX_LISTED);
      if (items.length > 0) {
        return items.map((item, index) => [`${index}`, this.read(item, `${where}[${index}]`, `${pointer}/${index}`)]);
      }
      throw new PolicyError('invalid-value', where, 'is empty', 'give schemas, or leave it out');
    }
    const named = Object.entries(object(value, where)).sort(byName);
    return named.map(([name, item]) => [name, this.#named(name, item, where, pointer)]);
  }

  #named(name: string, value: unknown, where: string, pointer: string): Subschema {
    // Ajv passes it by without a word.
    if (name === '__proto__') {
      throw new PolicyError(
        'invalid-value',
        `${where}.${name}`,
        'cannot be checked',
        'use "propertyNames" to refuse it',
      );
    }
    return this.read(value, `${where}.${name}`, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  }

  /** Counted first, for some take a millisecond to compile. */
  #pattern(source: string, where: string): void {
    this.#patterns++;
    if (this.#patterns > MAX_PATTERNS) {
      throw new PolicyError('too-large', where, `is one of more than ${MAX_PATTERNS} patterns`, 'remove some');
    }
    compilePattern(source, where);
  }

  /** @throws PolicyError where a reference leads out of the document, or to nothing */
  resolve(): void {
    for (const { from, to } of this.#refs) {
      const where = `${from.where}.$ref`;
      if (!to.startsWith('#')) {
        const remedy = 'copy what it names to $defs and refer to it as #/$defs/NAME';
        throw new PolicyError('invalid-value', where, 'leads out of this schema', remedy);
      }
      const target = this.#target(to.slice(1));
      if (target === undefined) {
        const remedy = 'refer to # or #/$defs/NAME, or to an $anchor as #NAME';
        throw new PolicyError('invalid-value', where, 'leads to no schema', remedy);
      }
      from.ref = target;
    }
  }

  #target(fragment: string): Subschema | undefined {
    try {
      return this.places.get(decodeURIComponent(fragment)) ?? this.#anchors.get(fragment);
    } catch {
      // Not percent-encoded as a URI has it: no name of anything.
      return undefined;
    }
  }
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
