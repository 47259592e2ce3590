import type { Json } from './fixture.ts';

/** Every place in the JSON value, as the keys that lead to it. */
export function places(value: Json, path: string[] = []): string[][] {
  const inner = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  return [path, ...inner.flatMap((key) => places(value[key], [...path, key]))];
}

export function replaceAt(value: Json, path: string[], replace: (old: Json) => Json): Json {
  const [key, ...rest] = path;
  if (key === undefined) return replace(structuredClone(value));
  const copy = structuredClone(value);
  copy[key] = replaceAt(value[key], rest, replace);
  return copy;
}

/** Another value of the same kind, or of any. */
export const mutations: ((old: Json, n: number) => Json)[] = [
  (old, n) =>
    typeof old === 'string'
      ? old.slice(0, n % (old.length || 1)) + flip(old[n % (old.length || 1)]) + old.slice((n % (old.length || 1)) + 1)
      : n,
  (old) => (typeof old === 'string' ? `${old}0` : typeof old === 'number' ? old + 1 : !old),
  (old) => (typeof old === 'string' ? old.slice(0, -1) : typeof old === 'number' ? old - 1 : String(old)),
  (old) => (typeof old === 'string' ? old.toUpperCase() : {}),
  (old, n) => (Array.isArray(old) ? old.filter((_, i) => i !== n % old.length) : { ...old, extra: n }),
  (old, n) => (Array.isArray(old) ? [...old, old[n % old.length]] : [old]),
  (old) => (Array.isArray(old) ? [...old].reverse() : { ...old, constructor: 1 }),
  () => null,
  () => [],
  () => '',
];

function flip(character: string | undefined): string {
  return character === '0' ? '1' : '0';
}
