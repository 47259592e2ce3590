/** `/feed`: what is certified, in log order, page by page. */
import { ClientError } from './errors.ts';
import { CALL_OPTIONS, type CallOptions, type Http } from './http.ts';
import { duration, type Names, onlyKnown } from './options.ts';

export interface FeedOptions extends CallOptions {
  stream?: string | undefined;
  sourceId?: string | undefined;
  /** An expression over payload and metadata. */
  filter?: string | undefined;
  /** Paths of the members that are wanted; all others are absent. */
  fields?: string | readonly string[] | undefined;
  /** Where to begin: an RFC 3339 time, a cursor of a feed or a watch, `earliest` (the default) or `latest`. */
  since?: string | undefined;
  /** A page's `nextCursor`, to go on behind that page. */
  cursor?: string | undefined;
  /** Items a page, default 1000, the most there can be. */
  limit?: number | undefined;
}

export interface FeedItem {
  eventId: string;
  sourceId: string | null;
  stream: string;
  status: string;
  contentHash: string | null;
  versionId: string | null;
  leafIndex: number | null;
  eventTime: string | null;
  normalized: unknown;
  createdAt: number;
  updatedAt: number;
  /** Of a fused record. */
  sources?: string[];
  decision?: string;
  conflict?: boolean;
  erased?: { at: string; by: string; reason: string };
}

export interface FeedPage {
  items: FeedItem[];
  /** To go on later with what was not there yet. */
  nextCursor: string;
}

const FEED_OPTIONS: Names<FeedOptions> = {
  ...{ ...CALL_OPTIONS, stream: true, sourceId: true, filter: true, fields: true },
  ...{ since: true, cursor: true, limit: true },
};

const PAGE = 1000;

/** Iterates over the items; `pages()` over the pages. Both end where the log ends now. */
export class Feed implements AsyncIterable<FeedItem> {
  readonly #http: Http;
  readonly #options: FeedOptions;

  /** @throws ClientError `invalid-argument` */
  constructor(http: Http, options: FeedOptions) {
    onlyKnown('feed', options, FEED_OPTIONS);
    duration('retryForMs', options.retryForMs);
    this.#http = http;
    this.#options = options;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FeedItem, void, undefined> {
    for await (const { items } of this.pages()) yield* items;
  }

  /** A page may be short, and even empty, without being the last. */
  async *pages(): AsyncGenerator<FeedPage, void, undefined> {
    const { stream, sourceId, filter, since, limit = PAGE, cursor: from, ...call } = this.#options;
    const fields = [call.fields ?? []].flat().join(',') || undefined;
    const pageOf = (value: unknown) => parsePage(value, fields === undefined);
    const fixed = { stream, sourceId, filter, fields, limit: String(limit) };
    for (let cursor = from; ; ) {
      // A cursor says where to begin, and leaves nothing to say for `since`.
      const query = { ...fixed, ...(cursor === undefined ? { since } : { cursor }) };
      const page = await this.#http.json('feed', { query }, pageOf, call);
      if (page.nextCursor === null) {
        yield { items: page.items, nextCursor: cursor ?? '' };
        return;
      }
      // A cursor that stays where it is has nothing behind it.
      if (page.nextCursor === cursor && page.items.length === 0) return;
      if (page.nextCursor === cursor) throw new ClientError('bad-answer', 'feed: the cursor does not move');
      cursor = page.nextCursor;
      yield { items: page.items, nextCursor: cursor };
    }
  }
}

/** @param whole false where items have only those members that were asked for */
function parsePage(value: unknown, whole: boolean): { items: FeedItem[]; nextCursor: string | null } {
  const { items, nextCursor } = (value ?? {}) as Record<string, unknown>;
  const known = typeof nextCursor === 'string' || nextCursor === null;
  if (!known || !Array.isArray(items) || (whole && !items.every(isItem))) {
    throw new ClientError('bad-answer', 'feed: the answer is not a page');
  }
  return { items, nextCursor };
}

function isItem(value: unknown): value is FeedItem {
  const { eventId, stream } = (value ?? {}) as Record<string, unknown>;
  return typeof eventId === 'string' && typeof stream === 'string';
}
