/** The node's own keys: made at first start, kept in the data directory, readable by its owner alone. */
import {
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  sign as signBytes,
} from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import secp256k1 from 'secp256k1';
import { PeerKey } from './access/peer-key.ts';
import { writeWholeFile } from './whole-file.ts';

export class KeyError extends Error {
  readonly code: 'key-missing' | 'key-malformed' | 'key-readable-by-others' | 'key-exists';

  constructor(code: KeyError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KeyError';
    this.code = code;
  }
}

const FILES = { identity: 'identity.key', log: 'log.key' } as const;
const HASH_FILE = 'hash.key';
const STREAM_FILE = 'stream.key';
const ADMIN_TOKEN_FILE = 'admin-token';
const SUBSCRIPTION_FILE = 'subscription.key';
const CALLBACK_TOKEN_FILE = 'arc-callback-token';
/** PKCS #8 frame around a 32-byte Ed25519 seed (RFC 8410). */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface NodeKeys {
  /** In force, and those that were before. */
  identity: IdentityKey;
  identities: readonly IdentityKey[];
  log: LogKey;
  logs: readonly LogKey[];
  /** The identity's, for mutual authentication. */
  peer: PeerKey;
}

/** Files in place of those in the data directory. */
export interface KeyFiles {
  identity?: string | undefined;
  log?: string | undefined;
}

export type KeyName = 'identity' | 'log';

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
export function openKeys(dataDir: string, fresh: boolean, files: KeyFiles = {}): NodeKeys {
  const secretOf = (path: string, mayMake: boolean) => {
    if (!mayMake && !existsSync(path)) {
      throw new KeyError('key-missing', `${path} is missing, and the data was signed with it: restore it`);
    }
    return Buffer.from(secretFile(path), 'hex');
  };
  const inForce = (name: KeyName) =>
    secretOf(files[name] ?? join(dataDir, FILES[name]), fresh && files[name] === undefined);
  const formerly = (name: KeyName) => formerFiles(dataDir, name, files[name]).map((path) => secretOf(path, false));
  const identitySecret = inForce('identity');
  const identity = new IdentityKey(identitySecret);
  const log = new LogKey(inForce('log'));
  return {
    identity,
    identities: [identity, ...formerly('identity').map((secret) => new IdentityKey(secret))],
    log,
    logs: [log, ...formerly('log').map((secret) => new LogKey(secret))],
    peer: new PeerKey(identitySecret),
  };
}

/**
 * Puts a new key in the place of one in the data directory; the former one stays beside it, for what it still has to sign.
 * Whenever the machine stops, there is a key, and no key is lost.
 * @returns the public halves, hex
 * @throws KeyError
 */
export function rotateKey(dataDir: string, name: KeyName): { before: string; after: string } {
  const path = join(dataDir, FILES[name]);
  if (!existsSync(path)) throw new KeyError('key-missing', `${path} is missing: there is no key to be replaced`);
  const secrets = [secretFile(path), randomBytes(32).toString('hex')] as const;
  const [before, after] = secrets.map((secret) => publicHalf(name, Buffer.from(secret, 'hex'))) as [string, string];
  writeWholeFile(join(dataDir, `${name}-${before.slice(0, 16)}.key`), `${secrets[0]}\n`, 0o600);
  writeWholeFile(path, `${secrets[1]}\n`, 0o600);
  return { before, after };
}

function publicHalf(name: KeyName, secret: Uint8Array): string {
  return name === 'log' ? Buffer.from(new LogKey(secret).publicKey).toString('hex') : new IdentityKey(secret).publicKey;
}

/** Of a key that is given in a file elsewhere, the one in the data directory is a former one too. */
function formerFiles(dataDir: string, name: KeyName, given: string | undefined): string[] {
  const rotated = new RegExp(`^${name}-[0-9a-f]{16}\\.key$`);
  const former = readdirSync(dataDir).filter(
    (file) => rotated.test(file) || (given !== undefined && file === FILES[name]),
  );
  return former.sort().map((file) => join(dataDir, file));
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

/**
 * The keys under which salted streams make event ids, each derived from the one secret as those of sources are.
 * @param streams that need a key
 * @param usedBefore whether anything may have been identified under the secret: a new one in its place would give known
 *   events new ids
 * @throws KeyError `key-missing`, `key-malformed`, `key-readable-by-others`
 */
export function openStreamKeys(
  dataDir: string,
  streams: readonly string[],
  usedBefore: () => boolean,
): Map<string, Uint8Array> {
  const path = join(dataDir, STREAM_FILE);
  if (streams.length === 0) return new Map();
  if (!existsSync(path) && usedBefore()) {
    throw new KeyError(
      'key-missing',
      `${path} is missing, and the events of the salted stream "${streams[0]}" are known by ids made with it: restore it`,
    );
  }
  return streamKeys(secretFile(path), streams);
}

/** The same for whoever only looks; none where the secret is not at hand. */
export function readStreamKeys(dataDir: string, streams: readonly string[]): Map<string, Uint8Array> {
  const path = join(dataDir, STREAM_FILE);
  return existsSync(path) ? streamKeys(secretFile(path), streams) : new Map();
}

function streamKeys(secret: string, streams: readonly string[]): Map<string, Uint8Array> {
  const bytes = Buffer.from(secret, 'hex');
  const keyOf = (stream: string) => new Uint8Array(hkdfSync('sha256', bytes, '', `tidemark stream ${stream}`, 32));
  return new Map(streams.map((stream) => [stream, keyOf(stream)]));
}

/** The token of this server's administrator, made at first start. */
export function openAdminToken(dataDir: string): { token: string; file: string } {
  const file = join(dataDir, ADMIN_TOKEN_FILE);
  return { token: secretFile(file), file };
}

/**
 * The key that holds the coins which anchors are paid with.
 * @param fresh makes it where it is missing; not where there are coins, which another key could not spend
 * @throws KeyError `key-missing`, `key-malformed`, `key-readable-by-others`
 */
export function openAnchorKey(path: string, fresh: boolean): IdentityKey {
  if (!fresh && !existsSync(path)) {
    throw new KeyError('key-missing', `${path} is missing, and there are coins that it alone can spend: restore it`);
  }
  return new IdentityKey(Buffer.from(secretFile(path), 'hex'));
}

/**
 * The key under which the secrets of subscriptions are stored. Without it, or under another, they cannot be read: new
 * ones have to be made, so it is not a reason not to start.
 * @returns both throw KeyError `key-malformed`, `key-readable-by-others`
 */
export function subscriptionKey(dataDir: string): { read(): Buffer | undefined; make(): Buffer } {
  const path = join(dataDir, SUBSCRIPTION_FILE);
  const make = () => Buffer.from(secretFile(path), 'hex');
  return { read: () => (existsSync(path) ? make() : undefined), make };
}

/** What ARC's callbacks come with, made at first use. */
export function openCallbackToken(dataDir: string): string {
  return secretFile(join(dataDir, CALLBACK_TOKEN_FILE));
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
