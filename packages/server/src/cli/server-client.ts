/** A server as commands talk to it: JSON over HTTP, with the admin token where its data directory is known. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliError, FAILURE, MISUSE } from './errors.ts';

/** What the server has against it. */
export interface Refusal {
  status: number;
  error: string;
  hint: string;
  reasons?: string[];
}

export type Parameters = Readonly<Record<string, string | number | undefined>>;

export class ServerClient {
  readonly #url: string;
  readonly #token: string | undefined;

  /** @param dataDir the server's, where its admin token is: deciding takes it, and so does reading away from loopback */
  constructor(url: string, dataDir: string | undefined) {
    if (!URL.canParse(url)) throw new CliError(MISUSE, `--url takes a URL, not ${url}`);
    this.#url = url;
    this.#token = dataDir === undefined ? undefined : readToken(dataDir);
  }

  /** @throws CliError when the server refuses it */
  async get<T extends object>(path: string, parameters: Parameters): Promise<T> {
    const url = new URL(path, this.#url);
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return unlessRefused(await this.#call<T>(url, {}));
  }

  post<T extends object>(path: string, members: Parameters): Promise<T | Refusal> {
    if (this.#token === undefined) {
      throw new CliError(MISUSE, "--data names the server's data directory: deciding takes the admin token in it");
    }
    const headers = { 'content-type': 'application/json' };
    return this.#call<T>(new URL(path, this.#url), { method: 'POST', headers, body: JSON.stringify(members) });
  }

  async #call<T extends object>(url: URL, init: RequestInit): Promise<T | Refusal> {
    const headers = new Headers(init.headers);
    if (this.#token !== undefined) headers.set('authorization', `Bearer ${this.#token}`);
    try {
      const response = await fetch(url, { ...init, headers });
      return (await response.json()) as T | Refusal;
    } catch (cause) {
      throw new CliError(FAILURE, `${url.origin} cannot be reached, or is no Tidemark server`, { cause });
    }
  }
}

export function isRefusal(answer: object): answer is Refusal {
  return 'error' in answer;
}

/** @throws CliError */
export function unlessRefused<T extends object>(answer: T | Refusal): T {
  if (!isRefusal(answer)) return answer;
  throw new CliError(FAILURE, `the server answered ${answer.status} ${answer.error}: ${answer.hint}`);
}

function readToken(dataDir: string): string {
  const file = join(dataDir, 'admin-token');
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new CliError(MISUSE, `${file} cannot be read: --data names the data directory of the server`, { cause });
  }
}
