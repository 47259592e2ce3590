import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { toBase64 } from '../src/bytes.ts';
import { checkpointText, parseCheckpoint, verifierKey, verifyCheckpoint } from '../src/checkpoint.ts';
import { cosignatureLine, formatAddCheckpoint, parseAddCheckpoint } from '../src/witness.ts';

const hashes = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
const note = 'example.com/log\n5\nnote\n\n\u2014 a b\n';

describe('the body of add-checkpoint', () => {
  it('is the old size, the proof, an empty line and the note', () => {
    const body = formatAddCheckpoint({ oldSize: 20_852_014, proof: hashes.slice(0, 2), checkpoint: note });
    expect(body).toBe(`old 20852014\n${toBase64(hashes[0]!)}\n${toBase64(hashes[1]!)}\n\n${note}`);
    expect(formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: note })).toBe(`old 0\n\n${note}`);
  });

  it.each([0, 1, 63])('is read back with a proof of %i hashes', (count) => {
    const request = { oldSize: 7, proof: Array.from({ length: count }, () => hashes[0]!), checkpoint: note };
    expect(parseAddCheckpoint(formatAddCheckpoint(request))).toEqual(request);
  });

  const line = toBase64(hashes[0]!);
  it.each([
    ['', 'nothing'],
    [`old 1\n${line}\n${note.trimEnd()}`.replaceAll('\n\n', '\n'), 'no empty line'],
    [`old 01\n\n${note}`, 'a needless zero'],
    [`old -1\n\n${note}`, 'a sign'],
    [`old  1\n\n${note}`, 'two blanks'],
    [`new 1\n\n${note}`, 'another word'],
    [`old 9007199254740992\n\n${note}`, 'a size beyond 2^53 - 1'],
    [`old 1\r\n\r\n\n${note}`, 'carriage returns'],
    [`old 1\n${line.slice(0, -1)}\n\n${note}`, 'a line that is no base64'],
    [`old 1\n${toBase64(new Uint8Array(31))}\n\n${note}`, 'a hash that is too short'],
    [`old 1\n${`${line}\n`.repeat(64)}\n${note}`, 'too long a proof'],
  ])('%j is none: %s', (body) => {
    expect(() => parseAddCheckpoint(body)).toThrow(expect.objectContaining({ code: 'invalid-checkpoint' }));
  });
});

describe('a cosignature', () => {
  const secret = new Uint8Array(32).fill(0x21);
  const key = verifierKey('witness.example/w1', ed25519.getPublicKey(secret), 'witness');
  const text = checkpointText({ origin: 'example.com/log', size: 5, root: 'ab'.repeat(32) });
  const line = cosignatureLine(text, 1_679_315_147, key, (message) => ed25519.sign(message, secret));

  it('is valid on the checkpoint, at the time that it names', () => {
    const signed = parseCheckpoint(`${text}\n${line}`);
    expect(verifyCheckpoint(signed, key)).toBe('valid');
    const { bytes } = signed.signatures[0]!;
    expect(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0)).toBe(1_679_315_147n);
  });

  it('is valid at no other time, and on no other checkpoint', () => {
    const signed = parseCheckpoint(`${text}\n${line}`);
    signed.signatures[0]!.bytes[7]! ^= 1;
    expect(verifyCheckpoint(signed, key)).toBe('invalid');
    expect(verifyCheckpoint(parseCheckpoint(`${text.replace('\n5\n', '\n6\n')}\n${line}`), key)).toBe('invalid');
  });
});
