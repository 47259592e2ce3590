/** The server whose logs a command reads. */
import { readFileSync } from 'node:fs';
import { ProofError, parseVerifierKey } from '@tidemark/proof';
import type { LogServer } from '../audit/fetch-bounded.ts';
import { CliError, MISUSE } from './errors.ts';

/** @param tokenFile holds a token that may read, for a server that asks for one */
export function serverAt(text: string, tokenFile: string | undefined): LogServer {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new CliError(MISUSE, `the server is given as an http or https URL, not ${text}`);
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  url.search = '';
  url.hash = '';
  return { url, token: tokenFile === undefined ? undefined : tokenIn(tokenFile) };
}

export function isLogKey(text: string): boolean {
  try {
    return parseVerifierKey(text).type === 'log';
  } catch (cause) {
    if (cause instanceof ProofError) return false;
    throw cause;
  }
}

function tokenIn(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new CliError(MISUSE, `${file} cannot be read`, { cause });
  }
  if (!/^[\x21-\x7e]+$/.test(token)) throw new CliError(MISUSE, `${file} holds no token`);
  return token;
}
