import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fromBase64, toBase64, toHex, utf8 } from '../src/bytes.ts';
import {
  checkpointText,
  cosignedText,
  formatVerifierKey,
  parseCheckpoint,
  parseVerifierKey,
  signatureLine,
  signCheckpoint,
  verifierKey,
  verifyCheckpoint,
} from '../src/checkpoint.ts';

/** A key pair of node:crypto, so that signing here and verifying there are two implementations. */
function keyPair(seed: number) {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]);
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey);
  const raw = Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
  return { raw, publicKey, sign: (message: Uint8Array) => Uint8Array.from(sign(null, message, privateKey)) };
}

const origin = 'tidemark.example/roof';
const root = 'cfa1b8fb7bb1f507274b104f5aa360541d6a4c34e6c683d0ede7d155cb7225e6';
const checkpoint = { origin, size: 5, root };
const log = keyPair(1);
const witness = keyPair(2);
const logKey = verifierKey(origin, log.raw);
const witnessKey = verifierKey('w.example', witness.raw, 'witness');
const note = signCheckpoint(checkpoint, logKey, log.sign);
const text = checkpointText(checkpoint);

function cosignature(seconds: bigint): Uint8Array {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(seconds);
  return Uint8Array.from(Buffer.concat([time, witness.sign(utf8(cosignedText(text, seconds)))]));
}

describe('verifier keys', () => {
  it('read as in the signed-note specification', () => {
    // The example key of golang.org/x/mod/sumdb/note.
    const example = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    const key = parseVerifierKey(example);
    expect(key).toMatchObject({ name: 'PeterNeumann', type: 'log', keyId: 'c74f20a3' });
    expect(formatVerifierKey(key)).toBe(example);
    const signed =
      'If you think cryptography is the answer to your problem,\n' +
      "then you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    const [body, line] = signed.split('\n\n') as [string, string];
    const bytes = fromBase64(line.trimEnd().split(' ')[2]!);
    const asNote = { origin: '', size: 0, root: '', text: `${body}\n` };
    const signatures = [{ name: 'PeterNeumann', keyId: toHex(bytes.subarray(0, 4)), bytes: bytes.slice(4) }];
    expect(verifyCheckpoint({ ...asNote, signatures }, key)).toBe('valid');
  });

  it.each([logKey, witnessKey])('round-trip', (key) => {
    expect(parseVerifierKey(formatVerifierKey(key))).toEqual(key);
  });

  it.each([
    ['no parts', 'x'],
    ['another id', formatVerifierKey(logKey).replace(logKey.keyId, '00000000')],
    ['another name', formatVerifierKey(logKey).replace('roof', 'room')],
    ['an unknown algorithm', formatVerifierKey(logKey).replace(/\+A/, '+B')],
    ['base64 cut', formatVerifierKey(logKey).slice(0, -1)],
    ['a blank in the name', `a b+${logKey.keyId}+AQ==`],
    ['the placeholder of the vectors', 'tidemark.example/greenhouse+00000000+placeholder'],
  ])('refuses %s', (_, key) => {
    expect(() => parseVerifierKey(key)).toThrow(expect.objectContaining({ code: 'invalid-key' }));
  });
});

describe('checkpoints', () => {
  it('are three lines, and a signature that others verify too', () => {
    expect(text).toBe(`${origin}\n5\nz6G4+3ux9QcnSxBPWqNgVB1qTDTmxoPQ7efRVctyJeY=\n`);
    expect(note.startsWith(`${text}\n— ${origin} `)).toBe(true);
    const [signature] = parseCheckpoint(note).signatures;
    expect(signature).toMatchObject({ name: origin, keyId: logKey.keyId });
    expect(verify(null, Buffer.from(text), log.publicKey, signature!.bytes)).toBe(true);
  });

  it('read back, and verify', () => {
    const parsed = parseCheckpoint(note);
    expect(parsed).toMatchObject({ ...checkpoint, text });
    expect(verifyCheckpoint(parsed, logKey)).toBe('valid');
    expect(verifyCheckpoint(parsed, verifierKey(origin, witness.raw))).toBe('absent');
    expect(verifyCheckpoint({ ...parsed, text: `${text} ` }, logKey)).toBe('invalid');
  });

  it('with one key twice are invalid', () => {
    const line = note.split('\n\n')[1]!;
    expect(verifyCheckpoint(parseCheckpoint(note + line), logKey)).toBe('invalid');
  });

  it('with a cosignature verify for the witness, whose time is covered', () => {
    const line = (bytes: Uint8Array) => signatureLine({ name: witnessKey.name, keyId: witnessKey.keyId, bytes });
    const bytes = cosignature(1_772_366_403n);
    const parsed = parseCheckpoint(note + line(bytes));
    expect([logKey, witnessKey].map((key) => verifyCheckpoint(parsed, key))).toEqual(['valid', 'valid']);
    const later = Uint8Array.from(bytes);
    later[7]!++;
    expect(verifyCheckpoint(parseCheckpoint(note + line(later)), witnessKey)).toBe('invalid');
    expect(verifyCheckpoint(parseCheckpoint(note + line(bytes.slice(8))), witnessKey)).toBe('invalid');
  });

  const line = note.split('\n\n')[1]!;
  it.each([
    ['nothing', ''],
    ['no signature', `${text}\n`],
    ['no blank line', text + line],
    ['an extension line', `${text}more\n\n${line}`],
    ['two blank lines', `${text}\n\n${line}`],
    ['no last line feed', note.slice(0, -1)],
    ['carriage returns', note.replaceAll('\n', '\r\n')],
    ['a size with a leading zero', note.replace('\n5\n', '\n05\n')],
    ['a negative size', note.replace('\n5\n', '\n-5\n')],
    ['a size past 2^53', note.replace('\n5\n', '\n9007199254740993\n')],
    ['a short root', note.replace(/\nz6G4.*=\n/, '\nz6G4\n')],
    ['a root with stray bits', note.replace('JeY=', 'JeZ=')],
    ['a hyphen for the dash', note.replace('—', '-')],
    ['a signature with a blank', note.replace(/\n$/, ' \n')],
    ['a signature of an id alone', `${text}\n— ${origin} AAAAAA==\n`],
    ['a plus in a name', note.replace(`— ${origin}`, '— a+b')],
    ['an origin with a blank', note.replace(origin, 'a b')],
    ['an origin with a control character', note.replace(origin, 'a\u0007b')],
    ['a lone surrogate', note.replace(origin, '\ud800')],
    ['too many signatures', `${text}\n${line.repeat(65)}`],
    ['too long', `${text}\n— ${origin} ${'A'.repeat(70_000)}\n`],
  ])('refuses %s', (_, value) => {
    expect(() => parseCheckpoint(value)).toThrow(expect.objectContaining({ code: 'invalid-checkpoint' }));
  });

  it('are not written over what is none', () => {
    for (const wrong of [{ size: -1 }, { size: 1.5 }, { root: 'ab' }, { origin: 'a b' }]) {
      expect(() => checkpointText({ ...checkpoint, ...wrong })).toThrow(
        expect.objectContaining({ code: 'invalid-checkpoint' }),
      );
    }
  });
});

describe('base64', () => {
  it.each([0, 1, 2, 3, 4, 31, 32, 33])('of %d bytes is that of Node', (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 37 + 251) % 256);
    expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
    expect(fromBase64(toBase64(bytes))).toEqual(bytes);
  });

  it.each(['A', 'AA', 'AAA', 'AA=', 'AB==', 'AAB=', 'A A=', 'AA==\n', '====', 'AA-_', 'é==='])('refuses %j', (text) => {
    expect(() => fromBase64(text)).toThrow(expect.objectContaining({ code: 'invalid-bytes' }));
  });
});
