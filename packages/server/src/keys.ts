/** The node's own keys: made at first start, kept in the data directory, readable by its owner alone. */
import {
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  sign as signBytes,
} from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import secp256k1 from 'secp256k1';
import { writeWholeFile } from './whole-file.ts';

export class KeyError extends Error {
  readonly code: 'key-missing' | 'key-malformed' | 'key-readable-by-others' | 'key-exists';

  constructor(code: KeyError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KeyError';
    this.code = code;
  }
}

const IDENTITY_FILE = 'identity.key';
const LOG_FILE = 'log.key';
const HASH_FILE = 'hash.key';
const ADMIN_TOKEN_FILE = 'admin-token';
/** PKCS #8 frame around a 32-byte Ed25519 seed (RFC 8410). */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface NodeKeys {
  identity: IdentityKey;
  log: LogKey;
}

/** secp256k1: signs manifests as publisher, and transactions of the development chain. */
export class IdentityKey {
  readonly #secret: Uint8Array;
  /** 33-byte compressed key, hex. */
  readonly publicKey: string;

  constructor(secret: Uint8Array) {
    if (!secp256k1.privateKeyVerify(secret)) throw new KeyError('key-malformed', 'this is not a secp256k1 private key');
    this.#secret = secret;
    this.publicKey = Buffer.from(secp256k1.publicKeyCreate(secret, true)).toString('hex');
  }

  /** DER signature of a 32-byte digest: RFC 6979, low-S. */
  sign(digest: Uint8Array): Buffer {
    const { signature } = secp256k1.ecdsaSign(digest, this.#secret);
    return Buffer.from(secp256k1.signatureExport(signature));
  }
}

/** Ed25519: signs the checkpoints of all of the node's logs. */
export class LogKey {
  readonly #secret: KeyObject;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;

  constructor(seed: Uint8Array) {
    if (seed.length !== 32) throw new KeyError('key-malformed', 'an Ed25519 seed is 32 bytes long');
    this.#secret = createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, seed]), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(this.#secret).export({ format: 'der', type: 'spki' });
    this.publicKey = new Uint8Array(spki.subarray(-32));
  }

  /** 64-byte signature. */
  sign(message: Uint8Array): Uint8Array {
    return signBytes(null, message, this.#secret);
  }
}

/**
 * Reads the node's keys.
 * @param fresh makes those that are missing: in a directory without data alone. Another key in place of one that has
 *   signed would be taken for a forger's.
 * @throws KeyError `key-missing`, `key-malformed`, `key-readable-by-others`
 */
export function openKeys(dataDir: string, fresh: boolean): NodeKeys {
  const secret = (file: string) => {
    const path = join(dataDir, file);
    if (!fresh && !existsSync(path)) {
      throw new KeyError('key-missing', `${path} is missing, and the data beside it was signed with it: restore it`);
    }
    return Buffer.from(secretFile(path), 'hex');
  };
  return { identity: new IdentityKey(secret(IDENTITY_FILE)), log: new LogKey(secret(LOG_FILE)) };
}

/**
 * The keys under which sources hash fields, each derived from the one secret (HKDF-SHA-256, RFC 5869).
 * @param sources that need a key
 * @param usedBefore whether anything may have been hashed under the secret. A new one in its place would give known
 *   values new hashes, and known events new ids; where nothing was, as in directories older than it, it is made.
 * @throws KeyError `key-missing`, `key-malformed`, `key-readable-by-others`
 */
export function openHashKeys(
  dataDir: string,
  sources: readonly string[],
  usedBefore: () => boolean,
): Map<string, Uint8Array> {
  const path = join(dataDir, HASH_FILE);
  if (!existsSync(path) && usedBefore()) {
    if (sources.length === 0) return new Map();
    throw new KeyError(
      'key-missing',
      `${path} is missing, and the source "${sources[0]}" hashes fields as events before were hashed with it: restore it`,
    );
  }
  const secret = Buffer.from(secretFile(path), 'hex');
  const keyOf = (source: string) => new Uint8Array(hkdfSync('sha256', secret, '', `tidemark hash ${source}`, 32));
  return new Map(sources.map((source) => [source, keyOf(source)]));
}

/** The token of this server's administrator, made at first start. */
export function openAdminToken(dataDir: string): { token: string; file: string } {
  const file = join(dataDir, ADMIN_TOKEN_FILE);
  return { token: secretFile(file), file };
}

/** Makes a secret of 32 random bytes as hex. @throws KeyError `key-exists`: a key is never overwritten */
export function createSecretFile(path: string): string {
  if (existsSync(path)) throw new KeyError('key-exists', `${path} exists; a key is never overwritten`);
  const secret = randomBytes(32).toString('hex');
  writeWholeFile(path, `${secret}\n`, 0o600);
  return secret;
}

function secretFile(path: string): string {
  if (!existsSync(path)) return createSecretFile(path);
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new KeyError('key-readable-by-others', `${path} can be read by others: chmod 600 it, and consider it known`);
  }
  const secret = readFileSync(path, 'utf8').trim();
  if (!/^[0-9a-f]{64}$/.test(secret)) throw new KeyError('key-malformed', `${path} must hold 64 hex digits`);
  return secret;
}
