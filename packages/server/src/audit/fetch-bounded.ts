/** Answers of a server that is not trusted: bounded in size and time, never from elsewhere. */
import { setTimeout as after } from 'node:timers/promises';
import { reasonOf } from '../answers.ts';
import { AuditError } from './findings.ts';

/** Where logs are. */
export interface LogServer {
  /** Ends with a slash. */
  url: URL;
  /** Sent as bearer. */
  token: string | undefined;
}

const TIMEOUT_MS = 30_000;
/** A server that asks for patience gets it, this often and this long. */
const MAX_ATTEMPTS = 5;
const MAX_WAIT_MS = 10_000;

/** @returns undefined where the answer is 404. @throws AuditError `unreachable`, `malformed` */
export async function fetchIfThere(server: LogServer, path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  const url = new URL(path, server.url);
  for (let attempt = 1; ; attempt++) {
    const response = await ask(url, server.token);
    if (response.ok) return readBounded(response, url, maxBytes);
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    const busy = response.status === 429 || response.status === 503;
    if (!busy || attempt === MAX_ATTEMPTS) throw refused(url, response.status);
    await after(Math.min(MAX_WAIT_MS, 1000 * (Number(response.headers.get('retry-after')) || 1)));
  }
}

/** @throws AuditError, also where there is nothing */
export async function fetchBytes(server: LogServer, path: string, maxBytes: number): Promise<Uint8Array> {
  const bytes = await fetchIfThere(server, path, maxBytes);
  if (bytes === undefined) throw new AuditError('unreachable', `${new URL(path, server.url)} is not there (404)`);
  return bytes;
}

/** The token goes where it was meant to go: a redirection is not followed. */
async function ask(url: URL, token: string | undefined): Promise<Response> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  try {
    return await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (cause) {
    throw new AuditError('unreachable', `${url}: ${reasonOf(cause)}`, { cause });
  }
}

function refused(url: URL, status: number): AuditError {
  const hint = status === 401 || status === 403 ? '; a token that may read is given with --token-file' : '';
  return new AuditError('unreachable', `${url} is answered with ${status}${hint}`);
}

async function readBounded(response: Response, url: URL, maxBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of response.body ?? []) {
      length += piece.length;
      if (length > maxBytes) break;
      pieces.push(piece);
    }
  } catch (cause) {
    throw new AuditError('unreachable', `${url} breaks off: ${reasonOf(cause)}`, { cause });
  }
  if (length > maxBytes) throw new AuditError('malformed', `${url} has more than ${maxBytes} bytes`);
  return Buffer.concat(pieces);
}
