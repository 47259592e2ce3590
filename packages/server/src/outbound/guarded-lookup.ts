/**
 * Looks at every address at the moment at which a connection is made to it: what a name resolved to before says nothing
 * (DNS rebinding), and a connection goes to no other address than the one that was looked at.
 */
import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Names, type Resolve } from './names.ts';
import type { PublicAddresses } from './public-address.ts';

/** - `address-not-allowed`: nothing at that name may be called; `dns`: the name does not resolve, `cause` says why */
export class OutboundError extends Error {
  readonly code: 'address-not-allowed' | 'dns';

  constructor(code: OutboundError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OutboundError';
    this.code = code;
  }
}

export class OutboundGuard {
  readonly #addresses: PublicAddresses;
  readonly #resolve: Resolve;
  readonly #names: Names;

  /** @param resolve otherwise as the system's name servers have it */
  constructor(addresses: PublicAddresses, resolve?: Resolve) {
    this.#addresses = addresses;
    const names = new Names();
    this.#names = names;
    this.#resolve = resolve ?? names.resolve;
  }

  /** Looks for nothing more. */
  close(): void {
    this.#names.close();
  }

  /** For sockets. @param secure without TLS, only what the operator allows is called */
  lookup(secure: boolean): LookupFunction {
    return (hostname, options, callback) => {
      void this.#admitted(hostname, secure).then(
        ([first, ...others]) => {
          if (options.all === true) callback(null, [first, ...others]);
          else callback(null, first.address, first.family);
        },
        (error: OutboundError) => callback(error, []),
      );
    };
  }

  /** @throws OutboundError */
  async #admitted(hostname: string, secure: boolean): Promise<[LookupAddress, ...LookupAddress[]]> {
    const found = await this.#resolve(hostname).catch((cause: NodeJS.ErrnoException) => {
      throw new OutboundError('dns', `${hostname} does not resolve: ${cause.code}`, { cause });
    });
    const [first, ...others] = found.filter(({ address }) => this.#admits(address, secure));
    if (first === undefined) throw refused(hostname, secure);
    return [first, ...others];
  }

  /** For hosts that are addresses: sockets connect to these without asking. @throws OutboundError */
  checkLiteral(url: URL): void {
    const host = hostOf(url);
    const secure = url.protocol === 'https:';
    if (isIP(host) !== 0 && !this.#admits(host, secure)) throw refused(host, secure);
  }

  /** Whether the URL may be called as things are now. @throws OutboundError */
  async check(url: URL): Promise<void> {
    this.checkLiteral(url);
    const host = hostOf(url);
    if (isIP(host) === 0) await this.#admitted(host, url.protocol === 'https:');
  }

  #admits(address: string, secure: boolean): boolean {
    const standing = this.#addresses.standing(address);
    return standing === 'allowed' || (secure && standing === 'public');
  }
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function refused(host: string, secure: boolean): OutboundError {
  const why = secure ? 'is not a public address' : 'is not public, or is to be called without TLS';
  return new OutboundError(
    'address-not-allowed',
    `${host} ${why}, and the operator has not allowed it (SUBSCRIPTIONS_ALLOW_CIDRS)`,
  );
}
