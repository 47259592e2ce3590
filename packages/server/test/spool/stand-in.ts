/** A server that keeps to the contract of batches and of intake, in memory, for a spool to talk to. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StandInBatch {
  batchTag: string;
  stream: string;
  sourceId: string;
  state: string;
  pii: boolean;
  locked: boolean;
  leaves: { start: number; end: number } | null;
  certified: boolean;
  versionId: string | null;
  opening: Record<string, unknown>;
  ending: Record<string, unknown> | null;
}

export interface Published {
  channel: string;
  message: Record<string, unknown>;
  authorization: string | undefined;
}

interface Reply {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** `lost`: the request is handled, and the connection is gone before its answer. `dropped`: it is not handled either. */
export type Fault = Reply | 'lost' | 'dropped';

export interface Asked {
  method: string;
  path: string;
  body: string;
  authorization?: string | undefined;
}

export class StandIn {
  readonly #server: Server;
  readonly events = new Map<string, Record<string, unknown>>();
  /** Ids in the order of the log, in which a leaf of the stream's own comes first. */
  readonly leaves: string[] = [];
  readonly batches = new Map<string, StandInBatch>();
  readonly published: Published[] = [];
  readonly requests: Asked[] = [];
  /** Batches that are certified only when this says so. */
  certifies = true;
  /** Of each batch. */
  quarantined = 0;
  /** Events that the server refuses, by their text. */
  refuses: (text: unknown) => boolean = () => false;
  fault: (asked: Asked) => Fault | undefined = () => undefined;

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  listen(port = 0): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  unlock(tag: string): void {
    const batch = this.batches.get(tag);
    if (batch !== undefined) batch.locked = false;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    const { method = '', url: path = '' } = request;
    const { authorization } = request.headers;
    const asked = { method, path, body: Buffer.concat(pieces).toString(), authorization };
    this.requests.push(asked);
    const fault = this.fault(asked);
    if (fault === 'dropped') return void request.socket.destroy();
    const reply = typeof fault === 'object' ? fault : this.#handle(asked);
    if (fault === 'lost') return void request.socket.destroy();
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body));
  }

  #handle({ method, path, body, authorization }: Asked): Reply {
    const url = new URL(path, 'http://stand-in');
    if (url.pathname === '/ingest/events') return this.#ingest(body);
    if (url.pathname === '/event-publish') return this.#publish(body, authorization);
    const [, , tag = '', verb] = url.pathname.split('/').map(decodeURIComponent);
    if (method === 'PUT') return this.#open(tag, JSON.parse(body) as Record<string, unknown>);
    const batch = this.batches.get(tag);
    if (batch === undefined) return problem(404, 'batch-not-found');
    if (verb === 'end') this.#end(batch, JSON.parse(body) as Record<string, unknown>);
    if (batch.ending !== null) batch.certified = this.certifies;
    return { status: 200, body: batch };
  }

  #open(tag: string, opening: Record<string, unknown>): Reply {
    const known = this.batches.get(tag);
    if (known?.ending) return problem(409, 'batch-ended');
    const other = [...this.batches.values()].find(({ batchTag, ending }) => ending === null && batchTag !== tag);
    if (other !== undefined) return problem(409, 'batch-open');
    const pii = opening.pii === true || known?.pii === true;
    const batch = known ?? this.#fresh(tag, opening);
    Object.assign(batch, { pii, locked: pii });
    this.batches.set(tag, batch);
    return { status: 200, body: batch };
  }

  #fresh(tag: string, opening: Record<string, unknown>): StandInBatch {
    const start = this.leaves.length;
    return {
      ...{ batchTag: tag, stream: 'spool', sourceId: 'spool', state: 'open', pii: false, locked: false },
      ...{ leaves: { start, end: start }, certified: false, versionId: null, opening, ending: null },
    };
  }

  #end(batch: StandInBatch, ending: Record<string, unknown>): void {
    if (batch.ending !== null) return;
    const start = batch.leaves?.start ?? 0;
    const isNew = this.leaves.length > start;
    const leaves = isNew ? { start: start === 0 ? 0 : start + 1, end: this.leaves.length + 1 } : null;
    const brought = this.leaves.length - start;
    const state = ending.status === 'success' ? 'ingested' : 'failed';
    Object.assign(batch, {
      ending,
      leaves,
      state,
      records: brought,
      quarantined: this.quarantined,
      versionId: isNew ? `version-of-${batch.batchTag}` : null,
    });
  }

  #ingest(body: string): Reply {
    let count = 0;
    let duplicates = 0;
    const rejected: object[] = [];
    for (const [index, line] of body.split('\n').entries()) {
      const event = JSON.parse(line) as Record<string, unknown>;
      const id = String(event.eventId);
      if (this.refuses(event.text)) rejected.push({ index, error: 'refused-here', hint: 'by the stand-in' });
      else {
        count++;
        if (this.events.has(id)) duplicates++;
        else {
          this.events.set(id, event);
          this.leaves.push(id);
        }
      }
    }
    if (count === 0) return { status: 400, body: { error: 'no-valid-events', hint: 'none', rejected } };
    return { status: 200, body: { status: 'ok', count, duplicates, rejected } };
  }

  #publish(body: string, authorization: string | undefined): Reply {
    const { channel, message } = JSON.parse(body) as { channel: string; message: string };
    this.published.push({ channel, message: JSON.parse(message) as Published['message'], authorization });
    return { status: 200, body: { status: 'published', channel, persisted: true } };
  }
}

export function problem(status: number, error: string, headers: Record<string, string> = {}): Reply {
  return { status, body: { status, error, hint: `because of ${error}` }, headers };
}
