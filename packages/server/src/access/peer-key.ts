/** Keys that two parties derive for one message, and can derive alone (BRC-42), as BRC-103 signs with them. */
import { createHmac, hash } from 'node:crypto';
import secp256k1 from 'secp256k1';
import { nativeVerifyEcdsa } from '../native.ts';

/** BRC-43: security level and protocol. */
const PROTOCOL = '2-auth message signature';

export class PeerKey {
  readonly #secret: Uint8Array;
  /** Compressed secp256k1 key, hex. */
  readonly publicKey: string;

  /** @param secret 32 bytes, a valid private key */
  constructor(secret: Uint8Array) {
    this.#secret = Uint8Array.from(secret);
    this.publicKey = Buffer.from(secp256k1.publicKeyCreate(this.#secret, true)).toString('hex');
  }

  /**
   * DER signature of the data's SHA-256.
   * @param counterparty a valid compressed key, hex
   * @param keyId names the message among all between the two
   */
  sign(counterparty: string, keyId: string, data: Uint8Array): Buffer {
    const secret = secp256k1.privateKeyTweakAdd(Uint8Array.from(this.#secret), this.#offset(counterparty, keyId));
    const { signature } = secp256k1.ecdsaSign(hash('sha256', data, 'buffer'), secret);
    return Buffer.from(secp256k1.signatureExport(signature));
  }

  /** Whether the other side, and no third one, signed the data. */
  verify(counterparty: string, keyId: string, data: Uint8Array, der: Uint8Array): boolean {
    const key = secp256k1.publicKeyTweakAdd(Buffer.from(counterparty, 'hex'), this.#offset(counterparty, keyId), true);
    return nativeVerifyEcdsa(hash('sha256', data, 'buffer'), der, key);
  }

  #offset(counterparty: string, keyId: string): Uint8Array {
    const shared = secp256k1.publicKeyTweakMul(Buffer.from(counterparty, 'hex'), this.#secret, true);
    return createHmac('sha256', shared).update(`${PROTOCOL}-${keyId}`).digest();
  }
}

/** Whether this is a compressed secp256k1 key in lower-case hex. */
export function isPeer(text: unknown): text is string {
  if (typeof text !== 'string' || !/^0[23][0-9a-f]{64}$/.test(text)) return false;
  return secp256k1.publicKeyVerify(Buffer.from(text, 'hex'));
}
