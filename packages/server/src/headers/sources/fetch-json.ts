/** One bounded question over HTTP: in time, in size, without redirects. */
import { HeaderError } from '../errors.ts';

export interface Endpoint {
  /** What requests are made to; paths are appended. Without a slash at the end. */
  base: string;
  /** Sent as a bearer, never shown. */
  token: string | undefined;
  /** For one request, until the last byte of its answer. */
  timeoutMs: number;
}

/** @throws HeaderError `source-unreachable`, `source-refused`, `source-oversized`, `source-malformed` */
export async function fetchJson(
  { base, token, timeoutMs }: Endpoint,
  path: string,
  options: { maxBytes: number; signal: AbortSignal },
): Promise<unknown> {
  const url = base + path;
  const deadline = AbortSignal.timeout(timeoutMs);
  const headers = { accept: 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  let text: string;
  try {
    const signal = AbortSignal.any([options.signal, deadline]);
    const response = await fetch(url, { headers, signal, redirect: 'manual' });
    text = await readAnswer(response, url, options.maxBytes);
  } catch (cause) {
    if (cause instanceof HeaderError) throw cause;
    const why = deadline.aborted ? `no whole answer within ${timeoutMs} ms` : whyNot(cause);
    throw new HeaderError('source-unreachable', `${url}: ${why}`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HeaderError('source-malformed', `${url} did not answer with JSON`, { cause });
  }
}

async function readAnswer(response: Response, url: string, maxBytes: number): Promise<string> {
  if (!response.ok) {
    await response.body?.cancel();
    const redirected = response.status >= 300 && response.status < 400 ? '; redirects are not followed' : '';
    throw new HeaderError('source-refused', `${url} answered ${response.status}${redirected}`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw new HeaderError('source-oversized', `${url} answered with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `fetch` says "fetch failed"; what failed is in the cause. */
function whyNot(error: unknown): string {
  const inner = error instanceof Error ? (error.cause ?? error) : error;
  if (!(inner instanceof Error)) return String(inner);
  return inner.message || ('code' in inner ? String(inner.code) : inner.name);
}
