/** What the world is told of a batch. See `contracts/notifier.md`. */
import { SpoolError } from '../errors.ts';
import type { Run } from '../run.ts';

export interface GateOpen {
  event: 'gate.open';
  batch_tag: string;
  /** Absolute path of the folder that is replayed. */
  spool: string;
  bytes: number;
  count: number;
  pii: boolean;
  /** Seconds since 1970, here and below. */
  ts: number;
}

export interface GateDone {
  event: 'gate.done';
  batch_tag: string;
  status: 'success' | 'failed';
  /** Records taken, those known before too. */
  processed: number;
  inserted: number;
  duplicates: number;
  rejected: number;
  pii: boolean;
  version_id?: string;
  stream?: string;
  ts: number;
}

export interface EmbedStart {
  event: 'embed.start';
  batch_tag: string;
  pii: boolean;
  ts: number;
}

export type BatchMessage = GateOpen | GateDone | EmbedStart;
export type Channel = 'ingest_updates' | 'embed_updates';

export interface NoticeMessage {
  channel: Channel;
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
  const message: GateOpen = { event: 'gate.open', batch_tag: tag, spool, bytes, count, pii, ts };
  return { channel: 'ingest_updates', message };
}

export function gateDone({ tag, status, counts, pii, versionId, stream }: Run, ts: number): NoticeMessage {
  const message: GateDone = {
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
  return { channel: 'ingest_updates', message };
}

export function embedStart({ tag, pii }: Run, ts: number): NoticeMessage {
  return { channel: 'embed_updates', message: { event: 'embed.start', batch_tag: tag, pii, ts } };
}
