/** Strong validators (RFC 9110, section 8.8.3): the same tag, the same bytes. */
import { hash } from 'node:crypto';

/** A tag in a list, weak or not. */
const TAGS = /"[^"]*"/g;

export function entityTag(body: Uint8Array | string): string {
  return `"${hash('sha256', body, 'base64url')}"`;
}

/**
 * Whether `If-None-Match` names this tag. The comparison is the weak one, as section 13.1.2 asks.
 * @param header `*`, or tags with commas between them
 */
export function namesTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || (header.match(TAGS)?.includes(tag) ?? false);
}
