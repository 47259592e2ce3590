import { hash, timingSafeEqual } from 'node:crypto';

/** What is kept of a secret to know it again: in a time that says nothing of it, whatever is shown. */
export class SecretDigest {
  readonly #digest: Buffer;

  constructor(secret: string) {
    this.#digest = digest(secret);
  }

  matches(shown: string | undefined): boolean {
    // Digests are of equal length.
    return shown !== undefined && timingSafeEqual(this.#digest, digest(shown));
  }
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
