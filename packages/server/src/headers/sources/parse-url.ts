/** How a source over HTTP is written: the API it speaks, then where it is. */
import { HeaderError } from '../errors.ts';
import { BlockHeadersServiceSource } from './block-headers-service.ts';
import { ChaintracksSource } from './chaintracks.ts';
import type { HeaderSource } from './source.ts';

const FORM = /^(bhs|chaintracks)\+(https?:\/\/.*)$/;
const ADVICE = 'write bhs+https://[TOKEN@]host[/path] or chaintracks+https://[TOKEN@]host[/path]';

/**
 * `bhs+https://host` for a Block Headers Service, `chaintracks+https://host` for Chaintracks (with the path at which
 * its first API is mounted), or with `http`. A token before an `@`, percent-encoded where need be, is sent as a bearer.
 *
 * @param timeoutMs for one request
 * @throws HeaderError `source-invalid`; its message does not repeat the text, which may hold a token
 */
export function parseSourceUrl(text: string, timeoutMs: number): HeaderSource {
  const [, api, address] = FORM.exec(text) ?? [];
  if (address === undefined || !URL.canParse(address)) throw invalid('is no source of headers');
  const url = new URL(address);
  if (url.password !== '') throw invalid('has a colon before the @');
  if (url.search !== '' || url.hash !== '') throw invalid('has a query or a fragment');
  const token = url.username === '' ? undefined : decoded(url.username);
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  const endpoint = { base, token, timeoutMs };
  return api === 'bhs' ? new BlockHeadersServiceSource(endpoint) : new ChaintracksSource(endpoint);
}

/** A token must fit into a header field. */
function decoded(token: string): string {
  let text: string;
  try {
    text = decodeURIComponent(token);
  } catch (cause) {
    throw invalid('has a token that is not percent-encoded', cause);
  }
  if (!/^[\x21-\x7e]+$/.test(text)) throw invalid('has a token with blanks or other than ASCII');
  return text;
}

function invalid(why: string, cause?: unknown): HeaderError {
  return new HeaderError('source-invalid', `${why}: ${ADVICE}`, { cause });
}
