import {
  canonicalize,
  payloadSalt,
  payloadHash as provenHash,
  saltedHash as provenSalted,
  toHex,
} from '@tidemark/proof';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { innerSalt, payloadHash, saltedHash } from '../src/salt.ts';

const salt = fc.uint8Array({ minLength: 32, maxLength: 32 });

test('hashes of salted streams are those that the verifier knows', () => {
  fc.assert(
    fc.property(salt, fc.jsonValue(), (salt, value) => {
      const payload = canonicalize({ value });
      const text = `${payload} as it came`;
      expect(toHex(innerSalt(salt))).toBe(toHex(payloadSalt(salt)));
      expect(payloadHash(salt, payload)).toBe(provenHash(JSON.parse(payload), payloadSalt(salt)));
      expect(saltedHash(salt, text)).toBe(provenSalted(salt, Buffer.from(text)));
      expect(Buffer.from(saltedHash(salt, Buffer.from(text), 'latin1'), 'latin1').toString('hex')).toBe(
        provenSalted(salt, Buffer.from(text)),
      );
    }),
  );
});

test('without a salt, they are those of other streams', () => {
  expect(payloadHash(undefined, '{"v":1}')).toBe(provenHash({ v: 1 }));
  expect(saltedHash(undefined, '')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});
