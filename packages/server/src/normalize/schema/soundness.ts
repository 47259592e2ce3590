/** What makes sure that a schema can be compiled, and that checking an event with it ends on a bounded stack. */
import { PolicyError } from '../../policy/policy-error.ts';
import type { Subschema } from './shape.ts';

/** Keywords, the names that these list, and 2 for each subschema. */
const MAX_SIZE = 2000;
/**
 * Of a schema that refers to itself: each of the event's 60 levels can put a frame of this size on the stack. Half of
 * Node's 984 KB is enough for that.
 */
const MAX_RECURSIVE_SIZE = 300;
const MAX_REFERENCES = 100;
/** References to references about the same value, each of which is a frame for each level of the event. */
const MAX_CHAIN = 16;

/**
 * @param all subschemas, `root` among them
 * @throws PolicyError
 */
export function assertSound(root: Subschema, all: readonly Subschema[]): void {
  const size = all.reduce((total, schema) => total + schema.size, 0);
  limit(root, size, MAX_SIZE, 'keywords and names');
  limit(root, new Set(all.flatMap(({ ref }) => ref ?? [])).size, MAX_REFERENCES, 'subschemas that are referred to');
  const endless = findCircle(all, aboutSame);
  if (endless !== undefined) {
    const problem = 'leads back to itself without going on to a part of the event';
    throw new PolicyError('conflict', endless.where, problem, 'checking it would never end; break the circle');
  }
  limit(root, longestChain(all), MAX_CHAIN, 'references that lead from one to the next');
  if (findCircle(all, applied) !== undefined)
    limit(root, size, MAX_RECURSIVE_SIZE, 'keywords and names, and refers to itself');
}

function limit({ where }: Subschema, value: number, max: number, what: string): void {
  if (value > max) throw new PolicyError('too-large', where, `has more than ${max} ${what}`, 'simplify it');
}

type Next = (schema: Subschema) => Subschema[];

/** Subschemas that are checked with this one. */
function applied(schema: Subschema): Subschema[] {
  const below = schema.applied.flatMap(({ schemas }) => schemas.map(([, subschema]) => subschema));
  return schema.ref === undefined ? below : [schema.ref, ...below];
}

/** Those of them that are about the same value. */
function aboutSame(schema: Subschema): Subschema[] {
  const same = schema.applied.filter(({ applicator }) => applicator.about === 'same');
  return applied({ ...schema, applied: same });
}

/** A schema from which some way leads back to it. */
function findCircle(all: readonly Subschema[], next: Next): Subschema | undefined {
  const done = new Set<Subschema>();
  const open = new Set<Subschema>();
  const visit = (schema: Subschema): Subschema | undefined => {
    if (open.has(schema)) return schema;
    if (done.has(schema)) return undefined;
    open.add(schema);
    for (const following of next(schema)) {
      const found = visit(following);
      if (found !== undefined) return found;
    }
    open.delete(schema);
    done.add(schema);
    return undefined;
  };
  for (const schema of all) {
    const found = visit(schema);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** @param all without a circle of `aboutSame` */
function longestChain(all: readonly Subschema[]): number {
  const lengths = new Map<Subschema, number>();
  const lengthOf = (schema: Subschema): number => {
    const known = lengths.get(schema);
    if (known !== undefined) return known;
    const lengthsBelow = aboutSame(schema).map((next) => lengthOf(next) + (next === schema.ref ? 1 : 0));
    const length = Math.max(0, ...lengthsBelow);
    lengths.set(schema, length);
    return length;
  };
  return Math.max(...all.map(lengthOf));
}
