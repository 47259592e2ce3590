/** `/batches`: a batch's beginning and end, its gate, and what has become of it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BATCH_TAG } from '../../batch-mark.ts';
import type { Awaited, Batch, BatchDesk } from '../../batches/desk.ts';
import { BatchError, type BatchErrorCode } from '../../batches/errors.ts';
import type { Messages } from '../../batches/messages.ts';
import type { Admission } from '../../intake/admission.ts';
import { IntakeError } from '../../intake/errors.ts';
import type { Rollups } from '../../read/rollups.ts';
import type { BatchState, BatchStore, KeptMessage } from '../../store/batches.ts';
import type { Source } from '../../stream.ts';
import { type Access, bearer } from '../access.ts';
import type { BodyReader } from '../body.ts';
import { goneWith } from '../gone.ts';
import { type Members, readMembers, text, wholeNumber } from '../json-body.ts';
import { badRequest, Problem, type ProblemCode } from '../problem.ts';
import { integer, queryOf } from '../query.ts';

export interface BatchRoutes {
  batches: BatchDesk;
  batchMessages: Messages;
  batchStore: BatchStore;
  /** Whether this is a token that may publish messages: it may read them, too. */
  mayPublish: (token: string) => Promise<boolean>;
  /** Has a batch embedded once more that was given up. */
  embedAgain: (tag: string) => boolean;
  rollups: Rollups;
  access: Access;
  admission: Admission;
  bodies: BodyReader;
}

interface OfBatch {
  Params: { tag: string };
}

const MAX_TEXT = 4096;
const MAX_OWNER = 128;
const MAX_REASON = 1000;
const MAX_WAIT_MS = 60_000;
const MAX_LIMIT = 1000;
const STATES: readonly BatchState[] = ['open', 'ingested', 'failed', 'embedding', 'embedded'];
const AWAITED: readonly Awaited[] = ['certified', 'unlocked', 'embedded'];
const OPERATOR = 'admin';

const STATUS: Record<BatchErrorCode, [status: number, code: ProblemCode]> = {
  'batch-not-found': [404, 'batch-not-found'],
  'batch-open': [409, 'batch-open'],
  'batch-ended': [409, 'batch-ended'],
  'batch-taken': [409, 'batch-taken'],
  'batch-elsewhere': [409, 'batch-elsewhere'],
  'stream-not-for-batches': [409, 'stream-not-for-batches'],
  'too-many-waiting': [503, 'overloaded'],
  unavailable: [503, 'storage-unavailable'],
};

/** Whoever may send events of the source: the routes themselves ask. */
export function batchIntakeRoutes(server: FastifyInstance, options: BatchRoutes): void {
  const { batches, admission, bodies, access } = options;
  server.put<OfBatch>('/batches/:tag', async (request) => {
    queryOf(request, []);
    const tag = tagOf(request);
    const members = await readMembers(request, bodies, ['sourceId', 'owner', 'pii', 'spool', 'bytes', 'count']);
    const { id, stream } = admit(request, members);
    const [spool, bytes] = [
      text(members, 'spool', MAX_TEXT),
      wholeNumber(members, 'bytes', 0, Number.MAX_SAFE_INTEGER),
    ];
    const files = wholeNumber(members, 'count', 0, Number.MAX_SAFE_INTEGER);
    const owner = text(members, 'owner', MAX_OWNER);
    const said = {
      ...(owner !== undefined && { owner }),
      ...(spool !== undefined && { spool }),
      ...(bytes !== undefined && { bytes }),
    };
    const opening = { stream, source: id, pii: flag(members, 'pii'), ...said, ...(files !== undefined && { files }) };
    return view(await answering(() => batches.open(tag, opening)), options);
  });

  server.post<OfBatch>('/batches/:tag/end', async (request) => {
    queryOf(request, []);
    const tag = tagOf(request);
    const counted = ['processed', 'inserted', 'duplicates', 'rejected'] as const;
    const members = await readMembers(request, bodies, ['sourceId', 'status', 'reason', ...counted]);
    const known = await answering(async () => batches.one(tag));
    const { stream } = admit(request, { sourceId: known.facts.source, ...members });
    const { status } = members;
    if (status !== 'success' && status !== 'failed') throw badRequest('"status" is success or failed');
    const reason = text(members, 'reason', MAX_REASON);
    const counts = counted.flatMap((name) => {
      const value = wholeNumber(members, name, 0, Number.MAX_SAFE_INTEGER);
      return value === undefined ? [] : [[name, value] as const];
    });
    const ending = { status, ...Object.fromEntries(counts), ...(reason !== undefined && { reason }) } as const;
    return view(await answering(() => batches.end(tag, stream, ending)), options);
  });

  /** Whoever may read, and for its own batches whoever may send for the source that it names. */
  server.get<OfBatch>('/batches/:tag', async (request, reply) => {
    const query = queryOf(request, ['until', 'waitMs', 'sourceId']);
    const tag = tagOf(request);
    if (query.sourceId === undefined) access.checkReader(request);
    else if (!access.isAdmin(bearer(request))) {
      const { id } = admit(request, query);
      if ((batches.sourceOf(tag) ?? id) !== id) access.checkReader(request);
    }
    const awaited = oneOf(query.until, AWAITED, 'until');
    const waitMs = integer(query, 'waitMs', 0, 0, MAX_WAIT_MS);
    const batch = await answering(async () =>
      awaited === undefined ? batches.one(tag) : batches.until(tag, awaited, waitMs, goneWith(reply)),
    );
    return view(batch, options);
  });

  function admit(request: FastifyRequest, members: Members): Source {
    const sourceId = members.sourceId ?? 'spool';
    if (typeof sourceId !== 'string') throw badRequest('"sourceId" is the id of a source');
    try {
      return admission.admit(sourceId, { bearer: bearer(request) });
    } catch (cause) {
      if (!(cause instanceof IntakeError)) throw cause;
      throw new Problem(cause.status, cause.code, cause.hint, { cause });
    }
  }
}

/** Whoever may read. */
export function batchReadRoutes(server: FastifyInstance, { batches }: BatchRoutes): void {
  server.get('/batches', async (request) => {
    const query = queryOf(request, ['state', 'cursor', 'limit']);
    const state = oneOf(query.state, STATES, 'state');
    const before = query.cursor === undefined ? undefined : integer(query, 'cursor', 0, 1, Number.MAX_SAFE_INTEGER);
    const page = batches.page(state, before, integer(query, 'limit', 50, 1, MAX_LIMIT));
    const items = page.batches.map((batch) => shown(batch));
    return { items, nextCursor: page.next === undefined ? null : String(page.next) };
  });
}

/** The administrator. */
export function batchGateRoutes(server: FastifyInstance, options: BatchRoutes): void {
  const { batches, bodies, embedAgain } = options;
  for (const action of ['lock', 'unlock'] as const) {
    server.post<OfBatch>(`/batches/:tag/${action}`, async (request) => {
      queryOf(request, []);
      const tag = tagOf(request);
      const reason = text(await readMembers(request, bodies, ['reason']), 'reason', MAX_REASON);
      if (reason === undefined) throw badRequest('"reason" is missing: whoever asks later will want to know why');
      return view(await answering(async () => batches[action](tag, OPERATOR, reason)), options);
    });
  }

  server.post<OfBatch>('/batches/:tag/embed', async (request) => {
    queryOf(request, []);
    const tag = tagOf(request);
    const batch = await answering(async () => batches.one(tag));
    if (!embedAgain(tag)) {
      const standing =
        batch.facts.embedding === 'due'
          ? 'it is to be embedded already'
          : 'it is not certified, or its stream not searched';
      throw new Problem(409, 'not-embedding', `it cannot be embedded now: ${standing}`);
    }
    return view(batches.one(tag), options);
  });
}

/** Messages about batches, for whoever was away: who may publish them, and who may read all. */
export function batchMessageRoutes(server: FastifyInstance, options: BatchRoutes): void {
  const { batchMessages, batchStore, mayPublish, access } = options;
  server.get('/batch-events', async (request, reply) => {
    const token = bearer(request);
    if (token === undefined || !(await mayPublish(token))) access.checkReader(request);
    const query = queryOf(request, ['after', 'limit', 'waitMs']);
    const after = integer(query, 'after', 0, 0, Number.MAX_SAFE_INTEGER);
    const limit = integer(query, 'limit', 100, 1, MAX_LIMIT);
    const waitMs = integer(query, 'waitMs', 0, 0, MAX_WAIT_MS);
    const messages = await answering(() => batchMessages.after(after, limit, waitMs, goneWith(reply)));
    const next = messages.at(-1)?.seq ?? Math.min(after, batchStore.head());
    return { items: messages.map(toItem), next };
  });
}

function toItem({ seq, channel, message, ts, event, batch_tag: batchTag, receivedAt }: KeptMessage): object {
  return { seq, channel, message, ts, event, batchTag, receivedAt: time(receivedAt) };
}

function view(batch: Batch, { batchStore, rollups }: Pick<BatchRoutes, 'batchStore' | 'rollups'>): object {
  const happenings = batchStore.happenings(batch.facts.tag);
  const timeline = happenings.map(({ at, what, detail }) => ({ at: time(at), event: what, ...detail }));
  const { processed, inserted, duplicates } = batch.facts;
  const { records, quarantined } = countsOf(batch, rollups);
  // What was sent twice its orchestrator cannot tell from what was known before.
  const counted =
    records === null
      ? {}
      : { inserted: inserted ?? records, duplicates: duplicates ?? (processed ?? records) - records };
  return { ...shown(batch), ...counted, records, quarantined, timeline };
}

/** What it brought that was new, and how much of that is in quarantine; null while that is not known. */
function countsOf(
  { certified, versionId }: Batch,
  rollups: Rollups,
): { records: number | null; quarantined: number | null } {
  if (!certified) return { records: null, quarantined: null };
  const aggregates = versionId === undefined ? undefined : rollups.one(versionId)?.aggregates;
  const quarantined = Number(aggregates?.quarantined ?? 0);
  return { records: Number(aggregates?.records ?? 0) + quarantined, quarantined };
}

function shown({ facts, leaves, certified, versionId }: Batch): object {
  return {
    batchTag: facts.tag,
    stream: facts.stream ?? null,
    sourceId: facts.source ?? null,
    state: facts.state,
    pii: facts.pii,
    locked: facts.gate === 'locked',
    openedAt: time(facts.openedAt),
    endedAt: facts.endedAt === undefined ? null : time(facts.endedAt),
    spool: facts.spool ?? null,
    bytes: facts.bytes ?? null,
    count: facts.files ?? null,
    processed: facts.processed ?? null,
    inserted: facts.inserted ?? null,
    duplicates: facts.duplicates ?? null,
    rejected: facts.rejected ?? null,
    leaves: leaves ?? null,
    certified,
    versionId: versionId ?? null,
    embedding: facts.embedding,
    embedded: facts.embedded,
  };
}

function tagOf(request: FastifyRequest): string {
  const { tag } = request.params as { tag: string };
  if (BATCH_TAG.test(tag)) return tag;
  throw badRequest('a batch tag is 1 to 128 of A-Z a-z 0-9 . _ : -, and begins with a letter or a digit');
}

function flag(members: Members, name: string): boolean {
  const value = members[name] ?? false;
  if (typeof value !== 'boolean') throw badRequest(`"${name}" is true or false`);
  return value;
}

function oneOf<T extends string>(value: string | undefined, values: readonly T[], name: string): T | undefined {
  if (value === undefined) return undefined;
  const found = values.find((one) => one === value);
  if (found === undefined) throw badRequest(`"${name}" is one of ${values.join(', ')}`);
  return found;
}

async function answering<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof BatchError)) throw cause;
    const [status, code] = STATUS[cause.code];
    const extra = cause.batch === undefined ? {} : { extra: { batchTag: cause.batch } };
    throw new Problem(status, code, cause.message, { cause, ...extra, ...(status === 503 && { retryAfter: 1 }) });
  }
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
