import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex, verifyEcdsa, verifyEd25519 } from '@tidemark/proof';
import { afterAll, describe, expect, test } from 'vitest';
import {
  createSecretFile,
  IdentityKey,
  type KeyError,
  LogKey,
  openAdminToken,
  openHashKeys,
  openKeys,
  openStreamKeys,
  readStreamKeys,
} from '../src/keys.ts';
import { Directories } from './support/directories.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const FILES = ['identity.key', 'log.key', 'admin-token'];
const openAll = (dir: string) => ({ ...openKeys(dir, true), admin: openAdminToken(dir) });
const refused = (code: KeyError['code']) => expect.objectContaining({ name: 'KeyError', code });
const digest = (text: string) => createHash('sha256').update(text).digest();

describe('the files', () => {
  test('are made at first start, each with a secret of its own, for the owner alone', () => {
    const dir = directories.next();
    const { admin } = openAll(dir);
    const secrets = FILES.map((file) => readFileSync(join(dir, file), 'utf8'));
    for (const secret of secrets) expect(secret).toMatch(/^[0-9a-f]{64}\n$/);
    expect(new Set(secrets).size).toBe(3);
    for (const file of FILES) expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600);
    expect(admin).toEqual({ token: secrets[2]?.trim(), file: join(dir, 'admin-token') });
  });

  test('stay: the next start has the same keys', () => {
    const dir = directories.next();
    const first = openAll(dir);
    const second = openAll(dir);
    expect(second.identity.publicKey).toBe(first.identity.publicKey);
    expect(second.log.publicKey).toEqual(first.log.publicKey);
    expect(second.admin.token).toBe(first.admin.token);
  });

  test.each([0o640, 0o604, 0o660, 0o644, 0o620, 0o601])('a file with mode %o is refused', (mode) => {
    for (const file of FILES) {
      const dir = directories.next();
      openAll(dir);
      chmodSync(join(dir, file), mode);
      expect(() => openAll(dir)).toThrow(refused('key-readable-by-others'));
      expect(() => openAll(dir)).toThrow(file);
      chmodSync(join(dir, file), 0o400);
      openAll(dir);
    }
  });

  test.each(['', 'ab', 'g'.repeat(64), 'A'.repeat(64), `${'a'.repeat(64)}b`])('%j is no secret', (text) => {
    for (const file of FILES) {
      const dir = directories.next();
      writeFileSync(join(dir, file), text, { mode: 0o600 });
      expect(() => openAll(dir)).toThrow(refused('key-malformed'));
      expect(readFileSync(join(dir, file), 'utf8')).toBe(text);
    }
  });

  test('a key is never overwritten', () => {
    const path = join(directories.next(), 'some.key');
    const secret = createSecretFile(path);
    expect(() => createSecretFile(path)).toThrow(refused('key-exists'));
    expect(readFileSync(path, 'utf8')).toBe(`${secret}\n`);
  });
});

describe('the identity key', () => {
  test('makes signatures that the verifier takes, always the same for the same digest', () => {
    const { identity } = openKeys(directories.next(), true);
    for (let index = 0; index < 50; index++) {
      const signature = identity.sign(digest(`${index}`));
      expect(verifyEcdsa(digest(`${index}`), signature, fromHex(identity.publicKey))).toBe(true);
      expect(verifyEcdsa(digest(`${index + 1}`), signature, fromHex(identity.publicKey))).toBe(false);
      expect(identity.sign(digest(`${index}`))).toEqual(signature);
    }
  });

  test('of a known secret is the known point', () => {
    // The generator of secp256k1 (SEC 2, section 2.4.1): the public key of 1.
    const one = new IdentityKey(Buffer.from(`${'00'.repeat(31)}01`, 'hex'));
    expect(one.publicKey).toBe('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798');
  });

  test('is within the order of the curve', () => {
    const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
    for (const hex of ['00'.repeat(32), order, 'ff'.repeat(32)]) {
      expect(() => new IdentityKey(Buffer.from(hex, 'hex'))).toThrow(refused('key-malformed'));
    }
  });
});

describe('the log key', () => {
  test('makes signatures that the verifier takes', () => {
    const { log } = openKeys(directories.next(), true);
    const signature = log.sign(Buffer.from('a note'));
    expect(verifyEd25519(Buffer.from('a note'), signature, log.publicKey)).toBe(true);
    expect(verifyEd25519(Buffer.from('another'), signature, log.publicKey)).toBe(false);
  });

  test('follows RFC 8032, section 7.1, test 2', () => {
    const log = new LogKey(Buffer.from('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 'hex'));
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    expect(hex(log.publicKey)).toBe('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
    expect(hex(log.sign(Uint8Array.of(0x72)))).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
  });

  test('is 32 bytes long', () => {
    expect(() => new LogKey(Buffer.alloc(31))).toThrow(refused('key-malformed'));
  });
});

describe('the keys of hashed fields', () => {
  const never = () => false;
  const before = () => true;
  const file = (dir: string) => join(dir, 'hash.key');

  test('are derived from one secret, which is made where nothing was hashed before, needed or not', () => {
    for (const sources of [[], ['people']]) {
      const dir = directories.next();
      openHashKeys(dir, sources, never);
      expect(readFileSync(file(dir), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
      expect(statSync(file(dir)).mode & 0o777).toBe(0o600);
    }
  });

  test('stay, and are each source’s own', () => {
    const dir = directories.next();
    const first = openHashKeys(dir, ['people', 'guests'], never);
    expect(openHashKeys(dir, ['people', 'guests'], before)).toEqual(first);
    expect(first.get('people')).toHaveLength(32);
    expect(first.get('people')).not.toEqual(first.get('guests'));
    rmSync(file(dir));
    expect(openHashKeys(dir, ['people'], never).get('people')).not.toEqual(first.get('people'));
  });

  test('follow RFC 5869 with SHA-256, no salt, and the source in the info', () => {
    const dir = directories.next();
    writeFileSync(file(dir), `${'0b'.repeat(32)}\n`, { mode: 0o600 });
    const hmac = (key: Uint8Array, ...parts: string[]) =>
      parts.reduce((digest, part) => digest.update(part), createHmac('sha256', key)).digest();
    const extracted = hmac(Buffer.alloc(32), Buffer.from('0b'.repeat(32), 'hex').toString('latin1'));
    const expanded = hmac(extracted, 'tidemark hash people', '\x01');
    expect(Buffer.from(openHashKeys(dir, ['people'], never).get('people')!)).toEqual(expanded);
  });

  test('are missed where something was hashed under them', () => {
    const dir = directories.next();
    expect(() => openHashKeys(dir, ['people'], before)).toThrow(refused('key-missing'));
    expect(() => openHashKeys(dir, ['people'], before)).toThrow(/hash\.key is missing, and the source "people"/);
    expect(openHashKeys(dir, [], before)).toEqual(new Map());
    expect(existsSync(file(dir))).toBe(false);
  });

  test('are kept from others', () => {
    const dir = directories.next();
    openHashKeys(dir, [], never);
    chmodSync(file(dir), 0o640);
    expect(() => openHashKeys(dir, [], before)).toThrow(refused('key-readable-by-others'));
  });
});

describe('the keys of salted streams', () => {
  const never = () => false;
  const before = () => true;
  const file = (dir: string) => join(dir, 'stream.key');

  test('are derived from one secret, each stream’s own, and stay', () => {
    const dir = directories.next();
    expect(openStreamKeys(dir, [], never)).toEqual(new Map());
    expect(existsSync(file(dir))).toBe(false);
    const first = openStreamKeys(dir, ['patients', 'staff'], never);
    expect(statSync(file(dir)).mode & 0o777).toBe(0o600);
    expect(first.get('patients')).toHaveLength(32);
    expect(first.get('patients')).not.toEqual(first.get('staff'));
    expect(openStreamKeys(dir, ['patients', 'staff'], before)).toEqual(first);
    expect(readStreamKeys(dir, ['patients', 'staff'])).toEqual(first);
    const secret = Buffer.from(readFileSync(file(dir), 'utf8').trim(), 'hex');
    const expanded = hkdfSync('sha256', secret, '', 'tidemark stream patients', 32);
    expect(first.get('patients')).toEqual(new Uint8Array(expanded));
  });

  test('are missed where events are known by them, and by nobody who only looks', () => {
    const dir = directories.next();
    expect(() => openStreamKeys(dir, ['patients'], before)).toThrow(refused('key-missing'));
    expect(readStreamKeys(dir, ['patients'])).toEqual(new Map());
    expect(existsSync(file(dir))).toBe(false);
  });
});
