/** A source's authentication. It binds on every way in, so it is checked here and nowhere else. */
import { SecretDigest } from '../secret-digest.ts';
import type { Source } from '../stream.ts';
import { IntakeError } from './errors.ts';

/** What the sender showed, as the protocol delivered it. */
export interface Credentials {
  /** Token of `Authorization: Bearer`. */
  bearer: string | undefined;
}

export class SourceAuth {
  readonly #digests: ReadonlyMap<string, SecretDigest>;

  constructor(secrets: ReadonlyMap<string, string>) {
    this.#digests = new Map([...secrets].map(([source, secret]) => [source, new SecretDigest(secret)]));
  }

  /** @throws IntakeError `source-auth-required`, `source-auth-invalid` */
  check(source: Source, credentials: Credentials): void {
    if (source.auth === 'none') return;
    if (credentials.bearer === undefined) {
      throw new IntakeError('source-auth-required', "send the source's secret as Authorization: Bearer …");
    }
    if (this.#digests.get(source.id)?.matches(credentials.bearer) !== true) {
      throw new IntakeError('source-auth-invalid', 'this is not the key of the source');
    }
  }
}
