/** The secret that ARC's callbacks come with. */
import { hash, timingSafeEqual } from 'node:crypto';

/** In a time that says nothing about either. @param expected without one nothing is good */
export function isCallbackToken(expected: string | undefined, given: string | undefined): boolean {
  if (expected === undefined || given === undefined) return false;
  return timingSafeEqual(digest(expected), digest(given));
}

function digest(text: string): Buffer {
  return Buffer.from(hash('sha256', text, 'hex'), 'hex');
}
