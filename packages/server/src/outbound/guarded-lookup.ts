/**
 * Looks at every address at the moment at which a connection is made to it: what a name resolved to before says nothing
 * (DNS rebinding), and a connection goes to no other address than the one that was looked at.
 */
import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { PublicAddresses } from './public-address.ts';

/** As `dns.lookup` with `all`. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

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

  constructor(addresses: PublicAddresses, resolve: Resolve = systemLookup) {
    this.#addresses = addresses;
    this.#resolve = resolve;
  }

  /** For sockets. @param secure without TLS, only what the operator allows is called */
  lookup(secure: boolean): LookupFunction {
    return (hostname, options, callback) => {
      this.#resolve(hostname, { ...options, all: true }, (cause, found) => {
        if (cause !== null) {
          callback(new OutboundError('dns', `${hostname} does not resolve: ${cause.code}`, { cause }), []);
          return;
        }
        const admitted = found.filter(({ address }) => this.#admits(address, secure));
        const [first] = admitted;
        if (first === undefined) callback(refused(hostname, secure), []);
        else if (options.all === true) callback(null, admitted);
        else callback(null, first.address, first.family);
      });
    };
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
    if (isIP(host) !== 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.lookup(url.protocol === 'https:')(host, { all: true }, (error) =>
      error === null ? resolve() : reject(error),
    );
    await promise;
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
  return new OutboundError('address-not-allowed', `${host} ${why}, and the operator has not allowed it`);
}
