/** What the world is told of a batch. See `contracts/notifier.md`. */
import { EMBED_CHANNEL, type EmbedStart, type GateDone, type GateOpen, INGEST_CHANNEL } from '@tidemark/client';
import { SpoolError } from '../errors.ts';
import type { Run } from '../run.ts';

/** As it is told by the spool, which always says when, and of a batch's end more than has to be. */
type Told<Event> = Event & { ts: number };
type Counted = { inserted: number; duplicates: number; rejected: number };

export type BatchMessage = Told<GateOpen> | (Told<GateDone> & Counted) | Told<EmbedStart>;

export interface NoticeMessage {
  channel: string;
  message: BatchMessage;
}

/** In the outbox. */
export interface Notice extends NoticeMessage {
  seq: number;
  tag: string;
}

/**
 * Tells one thing, once it has returned; at least once, since its caller may not live to know.
 * @throws SpoolError `not-delivered`; a `RefusedDelivery` where asking again soon changes nothing
 */
export interface Notifier {
  /** For the operator: who is told. It shows no secret. */
  readonly target: string;
  notify(notice: NoticeMessage): Promise<void>;
}

/** The receiver has understood, and does not want it: a wrong token, for one. */
export class RefusedDelivery extends SpoolError {
  constructor(message: string, options?: ErrorOptions) {
    super('not-delivered', message, options);
  }
}

export function gateOpen({ tag, bytes, count, pii }: Run, spool: string, ts: number): NoticeMessage {
  const message: Told<GateOpen> = { event: 'gate.open', batch_tag: tag, spool, bytes, count, pii, ts };
  return { channel: INGEST_CHANNEL, message };
}

export function gateDone({ tag, status, counts, pii, versionId, stream }: Run, ts: number): NoticeMessage {
  const message: Told<GateDone> & Counted = {
    event: 'gate.done',
    batch_tag: tag,
    status: status ?? 'failed',
    processed: counts.taken,
    inserted: counts.taken - counts.duplicates,
    duplicates: counts.duplicates,
    rejected: counts.rejected,
    pii,
    ...(versionId === null ? {} : { version_id: versionId }),
    ...(stream === null ? {} : { stream }),
    ts,
  };
  return { channel: INGEST_CHANNEL, message };
}

export function embedStart({ tag, pii }: Run, ts: number): NoticeMessage {
  return { channel: EMBED_CHANNEL, message: { event: 'embed.start', batch_tag: tag, pii, ts } };
}
