/** Renders a Go template to an HTTP request and sends it: what `tidemark notify` and the spool's outbox do. */
import { toBytes } from '../go-template/bytes.ts';
import { GoTemplateError } from '../go-template/errors.ts';
import { GoTemplate } from '../go-template/template.ts';
import type { JsonData } from '../go-template/values.ts';
import { NotifierError } from './errors.ts';
import { memberText } from './json-member.ts';
import { http } from './lean-http.ts';
import { localTime } from './local-zone.ts';

export interface NotifierRequest {
  method: string;
  /** http or https. */
  url: string;
  /** As the template gave them; a body without a content type is `application/json`. */
  headers: Readonly<Record<string, string>>;
  body: string | undefined;
}

export interface RenderOptions {
  /** What `env` in the template reads. */
  env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since 1970. */
  now: () => number;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * The template renders to `{method, url, headers, body}`; names are taken in any case, as Go's JSON decoder takes them,
 * and others are left alone. `method` is POST where none is given. `body` is text, which is sent as it is, or any other
 * JSON value, which is sent as it stands in what was rendered (Go's `json.RawMessage`), white space and all; null is none.
 * @param template its text, or its bytes
 * @param name what errors call the template
 * @throws NotifierError `template`, `rendered`
 */
export function renderRequest(
  template: string | Uint8Array,
  name: string,
  data: JsonData,
  { env, now }: RenderOptions,
): NotifierRequest {
  const text = rendered(template, name, data, { env, now });
  const members = membersOf(text);
  const body = bodyOf(text, members.get('body'));
  return { method: methodOf(members), url: urlOf(members), headers: headersOf(members, body !== undefined), body };
}

function rendered(template: string | Uint8Array, name: string, data: JsonData, { env, now }: RenderOptions): string {
  try {
    const bytes = new GoTemplate(name, template).render(data, { env, now: () => localTime(now()) });
    return bytes.toString('utf8');
  } catch (cause) {
    if (cause instanceof GoTemplateError) throw new NotifierError('template', cause.message, { cause });
    throw cause;
  }
}

function membersOf(text: string): ReadonlyMap<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new NotifierError('rendered', `the template does not render to JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new NotifierError('rendered', 'the template does not render to a JSON object');
  }
  return new Map(Object.entries(value).map(([name, member]) => [name.toLowerCase(), member ?? undefined]));
}

function methodOf(members: ReadonlyMap<string, unknown>): string {
  const method = members.get('method') ?? '';
  if (method === '') return 'POST';
  if (typeof method !== 'string' || !TOKEN.test(method))
    throw new NotifierError('rendered', '"method" is no HTTP method');
  return method;
}

function urlOf(members: ReadonlyMap<string, unknown>): string {
  const url = members.get('url');
  if (url === undefined || url === '')
    throw new NotifierError('rendered', '"url" is empty: is EDGE_URL or GATE_URL set?');
  if (typeof url !== 'string' || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new NotifierError('rendered', '"url" is no http or https URL');
  }
  return url;
}

function headersOf(members: ReadonlyMap<string, unknown>, hasBody: boolean): Record<string, string> {
  const given = members.get('headers') ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) throw new NotifierError('rendered', '"headers" is no object');
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) headers[name] = headerValue(name, value);
  const typed = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
  return hasBody && !typed ? { ...headers, 'Content-Type': 'application/json' } : headers;
}

function headerValue(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new NotifierError('rendered', `the header ${JSON.stringify(name)} is no text`);
  try {
    http.validateHeaderName(name);
    http.validateHeaderValue(name, toBytes(value));
  } catch (cause) {
    throw new NotifierError('rendered', `${JSON.stringify(name)} with its value is no HTTP header`, { cause });
  }
  return value;
}

function bodyOf(text: string, body: unknown): string | undefined {
  if (body === undefined || typeof body === 'string') return body;
  return memberText(text, (name) => name.toLowerCase() === 'body');
}

/** What to say before a token goes over the network for anybody to read; undefined where there is nothing to say. */
export function plaintextWarning({ url, headers }: NotifierRequest): string | undefined {
  const { protocol, hostname, host } = new URL(url);
  const bears = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  if (protocol !== 'http:' || !bears || isLoopback(hostname)) return undefined;
  return `the token goes to ${host} without encryption: use https`;
}

function isLoopback(hostname: string): boolean {
  return /^(?:.+\.)?localhost$|^127(?:\.\d{1,3}){3}$|^\[::1\]$/.test(hostname);
}
