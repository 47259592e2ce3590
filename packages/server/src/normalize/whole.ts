/** Policies without a map: the raw event is the payload, but for the fields that are coerced. */
import { canonicalize } from '@tidemark/proof';
import { isContainer, type JsonObject, type JsonValue } from '../json/parse.ts';
import { type Branch, buildTree, compilePath, ownValue, parsePath } from '../json/path.ts';
import type { MappingPolicy } from './policy.ts';
import { coercionsOf, compileRules, constrainedFields, type PayloadWriter, type Slots } from './rules.ts';
import { withoutUnsafe } from './settle.ts';

export function compileWhole(policy: MappingPolicy): PayloadWriter {
  const coerced = coercionsOf(policy);
  const constrained = constrainedFields(policy.constraints ?? {});
  const names = [...new Set([...coerced.keys(), ...constrained, ...(policy.required ?? [])])].sort();
  if (names.length === 0) return (event, issues) => canonicalize(withoutUnsafe(event, [], issues));
  const getters = names.map(compilePath);
  const rules = compileRules(policy, names);
  const tree = changeable(names, coerced);
  return (event, issues) => {
    const before = getters.map((get) => get(event));
    const after = before.slice();
    rules(after, issues);
    return canonicalize(withoutUnsafe(changed(event, tree, before, after), [], issues));
  };
}

/** Fields that are only looked at may overlap; those that change may not. */
function changeable(names: readonly string[], coerced: ReadonlyMap<string, unknown>): Branch {
  const slots = names.flatMap((name, slot) => (coerced.has(name) ? [slot] : []));
  const tree = buildTree(slots.map((slot) => parsePath(names[slot] as string)));
  const renumbered = ({ members }: Branch): Branch => ({
    members: members.map(({ key, to }) => ({
      key,
      to: typeof to === 'number' ? (slots[to] as number) : renumbered(to),
    })),
  });
  return renumbered(tree);
}

/** The event with the changed values; each container on the way to one is copied once, the others are shared. */
function changed<T extends JsonObject | JsonValue[]>(
  container: T,
  { members }: Branch,
  before: Slots,
  after: Slots,
): T {
  let copy: T | undefined;
  for (const { key, to } of members) {
    const old = typeof to === 'number' ? before[to] : ownValue(container, key);
    let next = old;
    if (typeof to === 'number') next = after[to];
    else if (isContainer(old)) next = changed(old, to, before, after);
    if (next === old) continue;
    copy ??= (Array.isArray(container) ? container.slice() : { ...container }) as T;
    // Safe for any key: what changes was there as the container's own member.
    (copy as JsonObject)[key] = next as JsonValue;
  }
  return copy ?? container;
}
