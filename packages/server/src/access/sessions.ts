/** Sessions of mutual authentication: in memory, bounded in number and age. */

export interface Session {
  /** Base64, ours; names the session. */
  nonce: string;
  /** Base64, theirs. */
  peerNonce: string;
  /** Whom the handshake named: proven by the first message that is signed. */
  identityKey: string;
  /** Milliseconds since 1970. */
  until: number;
}

export class Sessions {
  readonly #limit: number;
  // Apart: handshakes cost their sender nothing, and are not to push out who has shown to hold a key.
  readonly #named = new Map<string, Session>();
  readonly #proven = new Map<string, Session>();

  /** @param limit of those that are proven, and again of those that are not; the oldest go first */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#named.size + this.#proven.size;
  }

  add(session: Session): void {
    put(this.#named, session, this.#limit);
  }

  find(nonce: string, now: number): Session | undefined {
    const session = this.#proven.get(nonce) ?? this.#named.get(nonce);
    if (session === undefined || session.until > now) return session;
    this.#proven.delete(nonce);
    this.#named.delete(nonce);
    return undefined;
  }

  proved(session: Session): void {
    if (this.#named.delete(session.nonce)) put(this.#proven, session, this.#limit);
  }
}

function put(sessions: Map<string, Session>, session: Session, limit: number): void {
  sessions.set(session.nonce, session);
  const [oldest] = sessions.keys();
  if (sessions.size > limit && oldest !== undefined) sessions.delete(oldest);
}
