/** A source's authentication. It binds on every way in, so it is checked here and nowhere else. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Source } from '../stream.ts';
import { IntakeError } from './errors.ts';

/** What the sender showed, as the protocol delivered it. */
export interface Credentials {
  /** Token of `Authorization: Bearer`. */
  bearer: string | undefined;
}

export class SourceAuth {
  readonly #digests: ReadonlyMap<string, Buffer>;

  constructor(secrets: ReadonlyMap<string, string>) {
    this.#digests = new Map([...secrets].map(([source, secret]) => [source, sha256(secret)]));
  }

  /** @throws IntakeError `source-auth-required`, `source-auth-invalid` */
  check(source: Source, credentials: Credentials): void {
    if (source.auth === 'none') return;
    if (credentials.bearer === undefined) {
      throw new IntakeError('source-auth-required', "send the source's secret as Authorization: Bearer …");
    }
    const expected = this.#digests.get(source.id);
    // Digests of equal length, so that the comparison takes the same time whatever was sent.
    if (expected === undefined || !timingSafeEqual(expected, sha256(credentials.bearer))) {
      throw new IntakeError('source-auth-invalid', 'this is not the key of the source');
    }
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
