/** Who may send for which source. */
import type { Source } from '../stream.ts';
import type { Credentials, SourceAuth } from './auth.ts';
import { IntakeError } from './errors.ts';

export class Admission {
  readonly #sources: ReadonlyMap<string, Source>;
  readonly #auth: SourceAuth;

  constructor(sources: readonly Source[], auth: SourceAuth) {
    this.#sources = new Map(sources.filter(({ enabled }) => enabled).map((source) => [source.id, source]));
    this.#auth = auth;
  }

  /** @throws IntakeError `source-not-found-or-disabled`, `source-auth-required`, `source-auth-invalid` */
  admit(sourceId: string, credentials: Credentials): Source {
    const source = this.#sources.get(sourceId);
    if (source === undefined) {
      throw new IntakeError('source-not-found-or-disabled', `there is no enabled source "${sourceId.slice(0, 64)}"`);
    }
    this.#auth.check(source, credentials);
    return source;
  }
}
