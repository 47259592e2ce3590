/** The members in which two manifests differ, signatures apart. */

type Json = Record<string, unknown>;

const MAX_NAMED = 5;

/** @returns paths, such as `content.log.root`; undefined when there are none */
export function manifestDifference(derived: string, stored: string): string | undefined {
  const a = JSON.parse(derived) as Json;
  const b = parsed(stored);
  if (b === undefined) return 'the stored manifest is no JSON object';
  delete a.signatures;
  delete b.signatures;
  const paths = [...differing(a, b, '')];
  if (paths.length === 0) return undefined;
  const more = paths.length - MAX_NAMED;
  return `${paths.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function* differing(a: unknown, b: unknown, path: string): Generator<string> {
  if (!isObject(a) || !isObject(b)) {
    if (JSON.stringify(a) !== JSON.stringify(b)) yield path;
    return;
  }
  for (const name of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()) {
    yield* differing(a[name], b[name], path === '' ? name : `${path}.${name}`);
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsed(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
