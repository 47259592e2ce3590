/**
 * Where a search goes on: below which submitted manifest, and at which leaf of each log that it has been in. It names
 * places and no times, so what is added on top shifts nothing.
 */
import { hash } from 'node:crypto';

export interface SearchPosition {
  /** Submitted manifests with ids below. */
  before: number;
  /** By the stream's mark: packets that end at or below this leaf. */
  ends: ReadonlyMap<string, number>;
}

export const FROM_THE_TOP: SearchPosition = { before: Number.MAX_SAFE_INTEGER, ends: new Map() };

const CURSOR = /^[0-9a-z]{1,11}(?:~[A-Za-z0-9_-]{8}\.[0-9a-z]{1,11})*$/;

/** Stands for a stream in a cursor, which may have to name hundreds. */
export function markOf(stream: string): string {
  return hash('sha256', stream, 'base64url').slice(0, 8);
}

export function formatCursor({ before, ends }: SearchPosition): string {
  return [before.toString(36), ...[...ends].map(([mark, end]) => `${mark}.${end.toString(36)}`)].join('~');
}

/** Undefined for what `formatCursor` does not write. */
export function parseCursor(text: string): SearchPosition | undefined {
  if (!CURSOR.test(text)) return undefined;
  const [before = '', ...places] = text.split('~');
  const ends = new Map(places.map((place) => [place.slice(0, 8), Number.parseInt(place.slice(9), 36)] as const));
  const position = { before: Number.parseInt(before, 36), ends };
  return [position.before, ...ends.values()].every(Number.isSafeInteger) ? position : undefined;
}
