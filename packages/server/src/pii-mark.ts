/** How people say, or do not say, that something may be personal. */
import type { JsonValue } from './json/parse.ts';

const NO = new Set<JsonValue | undefined>([undefined, null, false, 0, '', '0', 'false', 'no', 'none']);

/** Whatever does not clearly say no says yes: what is locked needlessly is unlocked with a word. */
export function saysYes(pii: JsonValue | undefined): boolean {
  if (Array.isArray(pii)) return pii.length > 0;
  return !NO.has(typeof pii === 'string' ? pii.trim().toLowerCase() : pii);
}
