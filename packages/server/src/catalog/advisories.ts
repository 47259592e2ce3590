/** What is said about versions: warnings, blocks and recalls; and what of it counts. */
import type { AdvisoryRow, CatalogWriter, Contributor, Standing } from '../store/catalog.ts';
import { CatalogError } from './errors.ts';
import { shareUsedUp } from './receiver.ts';

/** Who says it. */
export type Author =
  | { kind: 'admin' }
  /** Nobody has to say who they are here. */
  | { kind: 'anyone' }
  /** `signed`: what a stranger needs to check the signature; undefined where only this node could. */
  | { kind: 'identity'; key: string; signed: object | undefined };

export interface Advice {
  versionId: string;
  type: 'BLOCK' | 'WARN';
  recalled: boolean;
  supersededBy: string | undefined;
  reason: string;
  /** Milliseconds since 1970. */
  expiresAt: number | undefined;
}

export interface AdvisoryItem {
  id: number;
  versionId: string;
  type: 'BLOCK' | 'WARN';
  recalled: boolean;
  supersededBy: string | null;
  reason: string;
  /** RFC 3339. */
  expiresAt: string | null;
  createdAt: string;
  /** `role` is what makes it count, or `other`. */
  author: { role: 'owner' | 'admin' | 'advisor' | 'other'; identityKey: string | null };
  /** Whether `/ready` goes by it. */
  applied: boolean;
  /** The request by which it was made, signature included. */
  signed: unknown;
}

export interface AdvisoryPage {
  items: AdvisoryItem[];
  /** Null at the end. */
  nextCursor: string | null;
}

export interface AdvisoriesOptions {
  catalog: CatalogWriter;
  /** Identity key of whoever owns the dataset of a version, '' where nobody does; undefined for an unknown version. */
  ownerOf: (versionId: string) => string | undefined;
  /** Identity keys, hex. */
  advisors: readonly string[];
  /** Whether those count who do not say who they are: where none need to, everybody works as the operator does. */
  trustAnyone: boolean;
  /** Milliseconds since 1970. */
  now: () => number;
}

export class Advisories {
  readonly #options: AdvisoriesOptions;

  constructor(options: AdvisoriesOptions) {
    this.#options = options;
  }

  /** @throws CatalogError `version-not-found`, `catalog-share-used-up`; StoreError `write-failed` */
  advise(advice: Advice, author: Author, by: Contributor): AdvisoryItem {
    const owner = this.#ownerOf(advice.versionId);
    if (advice.supersededBy !== undefined) this.#ownerOf(advice.supersededBy);
    const signed = author.kind === 'identity' && author.signed ? JSON.stringify(author.signed) : undefined;
    const name = author.kind === 'identity' ? author.key : author.kind;
    const { catalog, now } = this.#options;
    const row = catalog.advise({ ...advice, author: name, signed, createdAt: now() }, by);
    if (row === undefined) throw shareUsedUp(by);
    return this.#item(row, owner);
  }

  /**
   * Oldest first.
   * @param after id of the last one seen
   * @throws CatalogError `version-not-found`
   */
  page(versionId: string, after: number, limit: number): AdvisoryPage {
    const owner = this.#ownerOf(versionId);
    // One more than asked for, to know whether there are more.
    const rows = this.#options.catalog.advisories(versionId, after, limit + 1);
    const items = rows.slice(0, limit).map((row) => this.#item(row, owner));
    return { items, nextCursor: rows.length > limit ? String(items.at(-1)?.id) : null };
  }

  /** What counts at this moment. */
  standing(versionId: string, owner: string): Standing {
    const { catalog, advisors, trustAnyone, now } = this.#options;
    const authors = ['admin', ...advisors, ...(owner === '' ? [] : [owner]), ...(trustAnyone ? ['anyone'] : [])];
    return catalog.standing(versionId, authors, now());
  }

  #ownerOf(versionId: string): string {
    const owner = this.#options.ownerOf(versionId);
    if (owner !== undefined) return owner;
    throw new CatalogError(
      'version-not-found',
      `the version ${versionId} is not known here: submit its manifest first`,
    );
  }

  #item(row: AdvisoryRow, owner: string): AdvisoryItem {
    const { id, versionId, type, recalled, supersededBy = null, reason, expiresAt, author, signed, createdAt } = row;
    const role = this.#roleOf(author, owner);
    const expired = expiresAt !== undefined && expiresAt <= this.#options.now();
    return {
      ...{ id, versionId, type, recalled, supersededBy, reason },
      expiresAt: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
      createdAt: new Date(createdAt).toISOString(),
      author: { role, identityKey: author === 'admin' || author === 'anyone' ? null : author },
      applied: role !== 'other' && !expired,
      signed: signed === undefined ? null : (JSON.parse(signed) as unknown),
    };
  }

  #roleOf(author: string, owner: string): AdvisoryItem['author']['role'] {
    const { advisors, trustAnyone } = this.#options;
    if (author === 'admin' || (author === 'anyone' && trustAnyone)) return 'admin';
    if (author === owner) return 'owner';
    return advisors.includes(author) ? 'advisor' : 'other';
  }
}
