/** Anchoring as the settings have it: how the pipeline's thread anchors, and what it takes in from others. */
import { join } from 'node:path';
import type { OutgoingForm } from '../access/outgoing.ts';
import { CertifierDesk } from '../certifier/desk.ts';
import { CertifierWebhook } from '../certifier/webhook.ts';
import type { Headers } from '../headers/headers.ts';
import { type IdentityKey, openAnchorKey, openCallbackToken } from '../keys.ts';
import type { SqliteLedger } from '../store/sqlite/ledger.ts';
import { Anchorer } from './anchor.ts';
import { ArcChain } from './arc/arc-chain.ts';
import { ArcClient } from './arc/client.ts';
import { LocalChain } from './local-chain.ts';
import { OutsideAnchors } from './outside.ts';

/**
 * `local`: the embedded development chain; `arc`: BSV through ARC; `wallet`: outputs are offered, and others submit;
 * `webhook`: an agent is asked for each packet; `none`.
 */
export type AnchorMode = 'local' | 'arc' | 'wallet' | 'webhook' | 'none';

export interface AnchorSettings {
  mode: AnchorMode;
  intervalMs: number;
  /** With `arc` alone. */
  arc?: {
    url: string;
    token: string | undefined;
    /** That of the data directory without it. */
    keyFile: string | undefined;
    /** Satoshis for 1000 bytes. */
    fees: { fallback: number; highest: number };
  };
  /** With `webhook` alone. */
  certifier?: {
    url: string;
    timeoutMs: number;
    signForm: OutgoingForm;
    retry: { max: number; baseMs: number; factor: number };
  };
}

export interface Surroundings {
  dataDir: string;
  ledger: SqliteLedger;
  /** Of the chain that is followed; the development chain brings its own. */
  headers: Headers | undefined;
  identity: IdentityKey;
  publicUrl: string | undefined;
}

/** Where ARC's callbacks arrive. */
export const CALLBACK_PATH = '/anchor/arc';

export class Anchoring {
  /** Undefined where nothing is anchored. */
  readonly anchorer: Runs | undefined;
  readonly #trouble: () => string | undefined;
  readonly #outside: OutsideAnchors | undefined;
  readonly #arc: ArcChain | undefined;
  readonly #desk: CertifierDesk | undefined;
  readonly #local: LocalChain | undefined;

  constructor(settings: AnchorSettings, around: Surroundings) {
    const { dataDir, ledger, headers, identity } = around;
    if (settings.mode === 'local') {
      const local = new LocalChain(dataDir, identity, Date.now);
      const anchorer = new Anchorer(ledger, local, local, Date.now);
      this.#local = local;
      this.anchorer = anchorer;
      this.#trouble = () => anchorer.trouble;
    } else if (settings.arc !== undefined && headers !== undefined) {
      const arc = openArc(settings.arc, headers, around);
      const anchorer = new Anchorer(ledger, arc, headers, Date.now);
      this.#arc = arc;
      this.anchorer = anchorer;
      this.#trouble = () => anchorer.trouble;
    } else {
      const outside = headers && new OutsideAnchors(ledger, headers);
      const desk = settings.certifier && openDesk(settings.certifier, outside, around);
      this.#outside = outside;
      this.#desk = desk;
      this.anchorer = together([outside, desk]);
      this.#trouble = () => desk?.trouble;
    }
  }

  /** Why versions are not being anchored, in words; undefined while all is well. */
  get trouble(): string | undefined {
    return this.#trouble();
  }

  /** Evidence that somebody has anchored a version of ours; where the node anchors itself, it is not looked at. */
  accept(versionId: string, envelope: unknown): void {
    this.#outside?.accept(versionId, envelope);
  }

  /** What ARC reports. @returns whether it may be news */
  callback(body: unknown, token: string | undefined): boolean {
    return this.#arc?.callback(body, token) === 'taken';
  }

  /** A call of the certifier that was given up is made again. @returns false where there is none */
  retry(versionId: string): boolean {
    return this.#desk?.retry(versionId) ?? false;
  }

  /** Has what is under way end soon; to be called before it is waited for. */
  stop(): void {
    this.#arc?.close();
    this.#desk?.stop();
  }

  close(): void {
    this.#local?.close();
  }
}

function openArc(
  { url, token, keyFile, fees }: NonNullable<AnchorSettings['arc']>,
  headers: Headers,
  { dataDir, ledger, publicUrl }: Surroundings,
): ArcChain {
  const { chain } = headers;
  if (chain === 'tidemark-dev') throw new RangeError('ARC does not take transactions of the development chain');
  const callbackToken = openCallbackToken(dataDir);
  const callback = publicUrl === undefined ? undefined : { url: `${publicUrl}${CALLBACK_PATH}`, token: callbackToken };
  const path = keyFile ?? join(dataDir, 'anchor.key');
  const key = openAnchorKey(path, keyFile === undefined && ledger.coins.unspent().length === 0);
  const client = new ArcClient({ url, token, callback });
  return new ArcChain({
    ...{
      name: chain,
      key,
      client,
      coins: ledger.coins,
      headers,
      fees,
      callbackToken,
      now: Date.now,
      random: Math.random,
    },
  });
}

function openDesk(
  { retry, ...settings }: NonNullable<AnchorSettings['certifier']>,
  outside: OutsideAnchors | undefined,
  { ledger, identity }: Surroundings,
): CertifierDesk {
  const webhook = new CertifierWebhook(settings, identity, Date.now);
  const anchored = (versionId: string, envelope: unknown) => outside?.accept(versionId, envelope);
  return new CertifierDesk({ ledger, webhook, retry, anchored, now: Date.now, random: Math.random });
}

interface Runs {
  run(): Promise<boolean>;
}

/** Those that there are as one; undefined where there are none. */
function together(parts: readonly (Runs | undefined)[]): Runs | undefined {
  const present = parts.filter((part) => part !== undefined);
  if (present.length === 0) return undefined;
  return { run: async () => (await Promise.all(present.map((part) => part.run()))).includes(true) };
}
