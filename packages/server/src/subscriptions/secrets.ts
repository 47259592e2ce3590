/** The secrets of a subscription: the one in force, and those before it for as long as they still sign. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

export interface Secret {
  secret: string;
  /** Milliseconds since 1970; the one in force has no end. */
  until?: number;
}

/** Where the key is kept. */
export interface KeySource {
  /** undefined where there is none (any more). */
  read(): Buffer | undefined;
  /** The same; one that is missing is made. */
  make(): Buffer;
}

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Signatures on a message at the most; with one rotation more, the oldest secret signs no longer. */
const MAX_SECRETS = 5;

/** Encrypts what is stored: nonce, ciphertext and tag, bound to the subscription that it belongs to. */
export class SecretBox {
  readonly #key: KeySource;

  constructor(key: KeySource) {
    this.#key = key;
  }

  seal(id: string, secrets: readonly Secret[]): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#key.make(), nonce).setAAD(Buffer.from(id));
    const text = Buffer.concat([cipher.update(JSON.stringify(secrets), 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, text, cipher.getAuthTag()]);
  }

  /** undefined where the key is missing, or is not the one that this was sealed with. */
  open(id: string, sealed: Uint8Array): Secret[] | undefined {
    const key = this.#key.read();
    if (key === undefined || sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(id)).setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      const text = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
      return JSON.parse(text.toString('utf8')) as Secret[];
    } catch {
      // The tag does not fit: another key, or other bytes. There is no more to say about it than that.
      return undefined;
    }
  }
}

/** What signs at this time, the newest first. */
export function signing(secrets: readonly Secret[], now: number): string[] {
  return secrets.filter(({ until }) => until === undefined || now < until).map(({ secret }) => secret);
}

/** @param until how long the former secret goes on signing beside the new one */
export function rotated(secrets: readonly Secret[], secret: string, until: number, now: number): Secret[] {
  const former = secrets.map((one) => ({ ...one, until: Math.min(one.until ?? until, until) }));
  return [{ secret }, ...former.filter((one) => now < one.until)].slice(0, MAX_SECRETS);
}
