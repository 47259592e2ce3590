/** How what is said of a batch changes what is known of it. Pure. */
import type { JsonValue } from '../json/parse.ts';
import type { PublishRow } from '../notify/event-publish-row.ts';
import { saysYes } from '../pii-mark.ts';
import type { BatchFacts, BatchState, Happening } from '../store/batches.ts';

/** What an orchestrator says when a batch begins. */
export interface Opening {
  stream: string;
  source: string;
  /** Of several who would begin the same batch, one alone may. */
  owner?: string;
  pii: boolean;
  spool?: string;
  bytes?: number;
  files?: number;
}

/** What an orchestrator says when a batch ends. */
export interface Ending {
  status: 'success' | 'failed';
  processed?: number;
  inserted?: number;
  duplicates?: number;
  rejected?: number;
  reason?: string;
}

export interface Change {
  facts: BatchFacts;
  happenings: Happening[];
}

const ORDER: readonly BatchState[] = ['open', 'failed', 'ingested', 'embedding', 'embedded'];

export function opened(known: BatchFacts | undefined, tag: string, opening: Opening, at: number): Change {
  const facts = { ...(known ?? unheardOf(tag, at)), ...defined({ ...opening, pii: undefined }) };
  const { stream, source: sourceId, spool, bytes, files } = opening;
  const said =
    known?.stream === undefined ? [{ at, what: 'opened', detail: { stream, sourceId, spool, bytes, files } }] : [];
  const gated = marked(facts, opening.pii, at);
  return { facts: gated.facts, happenings: [...said, ...gated.happenings] };
}

export function ended(known: BatchFacts, ending: Ending, at: number): Change {
  const { status, reason, ...counts } = ending;
  const state = furthest(known.state, status === 'success' ? 'ingested' : 'failed');
  const facts = { ...known, ...defined(counts), state, endedAt: at };
  return { facts, happenings: [{ at, what: 'ended', detail: defined({ status, reason, ...counts }) }] };
}

/**
 * A message of a batch's life: it never moves the batch back, and none but an administrator unlocks it.
 * @param embeds whether this server embeds batches of that stream
 */
export function heard(
  known: BatchFacts | undefined,
  message: PublishRow & { batch_tag: string; event: string },
  embeds: (stream: string) => boolean,
  at: number,
): Change {
  const { event, batch_tag: tag, status } = message;
  const before = known ?? unheardOf(tag, at);
  const gated = marked(before, isMarked(message), at);
  const facts = { ...gated.facts };
  if (event === 'gate.open') {
    facts.bytes ??= message.bytes ?? undefined;
    facts.files ??= message.count ?? undefined;
  } else if (event === 'gate.done') {
    facts.state = furthest(facts.state, status === 'failed' ? 'failed' : 'ingested');
    facts.processed ??= message.processed ?? undefined;
    // One of our own has ended when the journal says so.
    if (facts.stream === undefined) facts.endedAt ??= at;
  } else if (event === 'embed.start' && facts.gate === 'locked') {
    return { facts, happenings: [{ at, what: 'held', detail: { event } }, ...gated.happenings] };
  } else if (event === 'embed.start') {
    facts.state = furthest(facts.state, 'embedding');
    const ours = facts.stream !== undefined && embeds(facts.stream);
    if (ours && facts.embedding === 'none') facts.embedding = 'due';
  } else if (event === 'embed.done' && status === 'success') facts.state = furthest(facts.state, 'embedded');
  const detail = defined({ ts: message.ts, status: status ?? undefined });
  return { facts, happenings: [{ at, what: event, detail }, ...gated.happenings] };
}

/** Whoever says that there may be personal data in a batch locks it, unless an administrator has unlocked it. */
export function marked(known: BatchFacts, pii: boolean, at: number): Change {
  if (!pii || known.pii) return { facts: known, happenings: [] };
  const gate = known.gate === 'open' ? 'locked' : known.gate;
  const happenings = gate === known.gate ? [] : [{ at, what: 'locked', detail: { by: 'pii' } }];
  return { facts: { ...known, pii: true, gate }, happenings };
}

/** Whatever does not clearly say no says yes: templates write all sorts of things. */
function isMarked({ pii, message }: PublishRow): boolean {
  return pii ?? saysYes((JSON.parse(message) as { pii?: JsonValue }).pii);
}

function unheardOf(tag: string, at: number): BatchFacts {
  return {
    ...{
      tag,
      stream: undefined,
      source: undefined,
      owner: undefined,
      state: 'open',
      pii: false,
      gate: 'open',
      openedAt: at,
    },
    ...{ endedAt: undefined, spool: undefined, bytes: undefined, files: undefined },
    ...{ processed: undefined, inserted: undefined, duplicates: undefined, rejected: undefined },
    ...{ embedding: 'none', embedded: 0 },
  };
}

/** Events may come late, or twice. A batch that failed and then succeeds has succeeded. */
function furthest(one: BatchState, other: BatchState): BatchState {
  return ORDER.indexOf(one) >= ORDER.indexOf(other) ? one : other;
}

function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
