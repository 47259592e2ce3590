type Json = Record<string, unknown>;

/**
 * The proof with one value changed and the name of what was changed: the first value of the payload that can be, else
 * the last digit of the leaf's raw hash.
 */
export function tamper(proof: Json): { proof: Json; changed: string } {
  const { payload, leaf } = proof;
  if (isObject(payload)) {
    for (const [name, value] of Object.entries(payload)) {
      const other = changeValue(value);
      if (other !== undefined)
        return { proof: { ...proof, payload: { ...payload, [name]: other } }, changed: `payload.${name}` };
    }
  }
  const rawHash = isObject(leaf) && typeof leaf.rawHash === 'string' ? leaf.rawHash : '';
  const flipped = rawHash.slice(0, -1) + (rawHash.endsWith('0') ? '1' : '0');
  return { proof: { ...proof, leaf: { ...(isObject(leaf) ? leaf : {}), rawHash: flipped } }, changed: 'leaf.rawHash' };
}

function changeValue(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  return typeof value === 'string' ? `${value} (changed)` : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
