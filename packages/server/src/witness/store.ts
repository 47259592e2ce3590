/** What a witness keeps: its key, and of each log the newest checkpoint that it has cosigned. */
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseCheckpoint } from '@tidemark/proof';
import { createSecretFile, KeyError, LogKey } from '../keys.ts';
import { writeWholeFile } from '../whole-file.ts';
import { WitnessError } from './errors.ts';

/** Size of a tree and its root in hex. */
export interface Cosigned {
  size: number;
  root: string;
}

const KEY_FILE = 'witness.key';
const LOGS = 'logs';

/**
 * The key, made at the first start, and readable by its owner alone.
 * @throws KeyError, and WitnessError `state-missing`: a key is worth what is remembered with it
 */
export function openWitnessKey(dir: string): LogKey {
  const path = join(dir, KEY_FILE);
  const [hasKey, hasLogs] = [existsSync(path), existsSync(join(dir, LOGS))];
  if (hasKey && !hasLogs) {
    throw new WitnessError(
      'state-missing',
      `${join(dir, LOGS)} is missing: restore it, or begin anew with another key`,
    );
  }
  // The folder first: a key that is there has one, whenever the process stops.
  mkdirSync(join(dir, LOGS), { recursive: true, mode: 0o700 });
  if (!hasKey) return new LogKey(Buffer.from(createSecretFile(path), 'hex'));
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new KeyError('key-readable-by-others', `${path} can be read by others: chmod 600 it, and consider it known`);
  }
  const secret = readFileSync(path, 'utf8').trim();
  if (!/^[0-9a-f]{64}$/.test(secret)) throw new KeyError('key-malformed', `${path} must hold 64 hex digits`);
  return new LogKey(Buffer.from(secret, 'hex'));
}

/** One file a log, so that the one write that an answer waits for is small. */
export class CosignedStore {
  readonly #dir: string;
  readonly #newest = new Map<string, Cosigned>();

  /** @throws WitnessError `state-malformed` */
  constructor(dir: string, origins: Iterable<string>) {
    this.#dir = join(dir, LOGS);
    for (const origin of origins) {
      const cosigned = this.#read(origin);
      if (cosigned !== undefined) this.#newest.set(origin, cosigned);
    }
  }

  newest(origin: string): Cosigned | undefined {
    return this.#newest.get(origin);
  }

  /** When this returns, it is on disk. @param note the signed checkpoint */
  put(origin: string, cosigned: Cosigned, note: string): void {
    writeWholeFile(this.#file(origin), note, 0o600);
    this.#newest.set(origin, cosigned);
  }

  #read(origin: string): Cosigned | undefined {
    const file = this.#file(origin);
    if (!existsSync(file)) return undefined;
    try {
      const { origin: own, size, root } = parseCheckpoint(readFileSync(file, 'utf8'));
      if (own === origin) return { size, root };
    } catch (cause) {
      throw new WitnessError('state-malformed', `${file} is no checkpoint: restore it`, { cause });
    }
    throw new WitnessError('state-malformed', `${file} is not of the log ${origin}: restore it`);
  }

  /** Origins are named as files by their hash: they may be of any text. */
  #file(origin: string): string {
    return join(this.#dir, hash('sha256', origin, 'hex'));
  }
}
