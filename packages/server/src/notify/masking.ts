/** What a request looks like where others may read it: without its tokens. */
import type { NotifierRequest } from './notifier.ts';

const MASK = '***';
const SECRET_NAME = /auth|token|secret|key|cookie|password|signature/i;
const SECRET_VARIABLE = /token|secret|password|passwd|credential|api_?key|private_?key|_(pw|pass|key)$/i;
const MIN_SECRET = 6;
const LONG_WORD = /[A-Za-z0-9_~+/=.-]{24,}/g;

export type Mask = (text: string) => string;

/** @param secrets are masked wherever they stand, also as JSON or a URL writes them; empty ones are none */
export function maskOf(secrets: readonly (string | undefined)[]): Mask {
  const spellings = secrets
    .filter((secret) => secret !== undefined && secret !== '')
    .flatMap((secret = '') => [secret, jsonText(secret), jsonText(jsonText(secret)), encodeURIComponent(secret)])
    .sort((a, b) => b.length - a.length);
  return (text) => spellings.reduce((masked, spelling) => masked.replaceAll(spelling, MASK), text);
}

/** What of a request is secret by where it stands: credentials in headers and in the URL. */
export function secretsIn({ url, headers }: NotifierRequest): string[] {
  const { username, password, searchParams } = new URL(url);
  const inHeaders = Object.entries(headers).flatMap(([name, value]) => secretsInHeader(name, value));
  const inQuery = [...searchParams].filter(([name]) => SECRET_NAME.test(name)).map(([, value]) => value);
  return [...inHeaders, ...inQuery, password, decoded(password), ...(password === '' ? [username] : [])];
}

/** Values of variables that are secret by their names, unless they are so short that they may stand for anything. */
export function secretsOf(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(environment).flatMap(([name, value = '']) =>
    SECRET_VARIABLE.test(name) && value.length >= MIN_SECRET ? [value] : [],
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that stands for itself.
    return text;
  }
}

/** Of `Bearer x`, the x; of a header whose name says nothing, long words with letters and digits. */
function secretsInHeader(name: string, value: string): string[] {
  if (SECRET_NAME.test(name)) return [value.replace(/^[A-Za-z][\w-]* +/, '')];
  return (value.match(LONG_WORD) ?? []).filter((word) => /\d/.test(word) && /[A-Za-z]/.test(word));
}

function jsonText(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
