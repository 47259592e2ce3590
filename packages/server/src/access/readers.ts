/** Who may read private streams: by a token that the operator has given out, or one that was made of it for a while. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { SecretDigest } from '../secret-digest.ts';

/** What somebody may read beside public streams. */
export interface Reader {
  /** Whose token it was. */
  id: string;
  streams: ReadonlySet<string> | 'all';
}

export interface ReadToken extends Reader {
  token: string;
}

export interface PassingToken {
  token: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** For a connection to be opened with, by those who cannot send headers; it is in a URL, so it soon says nothing. */
const LIFETIME_MS = 5 * 60_000;

export class Readers {
  readonly #tokens: readonly { digest: SecretDigest; reader: Reader }[];
  /** Of this process: a token that passes need not outlive it. */
  readonly #key = randomBytes(32);
  readonly #now: () => number;

  /** @param now milliseconds since 1970 */
  constructor(tokens: readonly ReadToken[], now: () => number) {
    this.#tokens = tokens.map(({ id, token, streams }) => ({
      digest: new SecretDigest(token),
      reader: { id, streams },
    }));
    this.#now = now;
  }

  /** Whose token this is, one that was given out. */
  bearer(token: string): Reader | undefined {
    return this.#tokens.find(({ digest }) => digest.matches(token))?.reader;
  }

  issue({ id, streams }: Reader): PassingToken {
    const expiresAt = this.#now() + LIFETIME_MS;
    const said = { id, streams: streams === 'all' ? null : [...streams], expiresAt };
    const body = Buffer.from(JSON.stringify(said)).toString('base64url');
    return { token: `${body}.${this.#sign(body).toString('base64url')}`, expiresAt };
  }

  /** Whose token this is, one that was issued here and has not expired. */
  passing(token: string): Reader | undefined {
    const [body = '', signature = ''] = token.split('.', 2);
    const given = Buffer.from(signature, 'base64url');
    const right = this.#sign(body);
    if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
    const said = JSON.parse(Buffer.from(body, 'base64url').toString()) as PassingSaid;
    if (said.expiresAt <= this.#now()) return undefined;
    return { id: said.id, streams: said.streams === null ? 'all' : new Set(said.streams) };
  }

  #sign(body: string): Buffer {
    return createHmac('sha256', this.#key).update(body).digest();
  }
}

interface PassingSaid {
  id: string;
  streams: string[] | null;
  expiresAt: number;
}
