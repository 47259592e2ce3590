/** Asks a server about its quarantine, over HTTP. */
import { type Parameters, type Refusal, ServerClient, unlessRefused } from '../server-client.ts';

export interface Item {
  eventId: string;
  sourceId: string;
  stream: string;
  seq: number;
  eventTime: string | null;
  reasons: string[];
  receivedAt: string;
  resolution?: { action: string; by: string; reason: string; at: string };
}

export interface Page {
  items: Item[];
  nextCursor: string | null;
}

export interface Sweep {
  resolved: number;
  stillQuarantined: { eventId: string; sourceId: string; seq: number; reasons: string[] }[];
  nextCursor: string | null;
}

export interface Taken {
  eventId: string;
  seq: number;
  position: number;
}

export interface Erased {
  eventId: string;
  erased: { at: string; by: string; reason: string };
  versions: { sourceId: string; seq: number }[];
  /** Nothing is left. */
  complete: boolean;
}

export class QuarantineClient {
  readonly #server: ServerClient;

  /** @param dataDir the server's, where its admin token is: deciding takes it, and so does reading away from loopback */
  constructor(url: string, dataDir: string | undefined) {
    this.#server = new ServerClient(url, dataDir);
  }

  list(parameters: Parameters): Promise<Page> {
    return this.#server.get<Page>('/ingest/quarantine', parameters);
  }

  event(id: string, parameters: Parameters): Promise<object> {
    return this.#server.get<object>(`/ingest/events/${encodeURIComponent(id)}`, parameters);
  }

  say(action: string, id: string, members: Parameters): Promise<Taken | Refusal> {
    return this.#server.post<Taken>(`/ingest/events/${encodeURIComponent(id)}/${action}`, members);
  }

  erase(id: string, reason: string): Promise<Erased | Refusal> {
    return this.#server.post<Erased>(`/ingest/events/${encodeURIComponent(id)}/erase`, { reason });
  }

  async sweep(action: string, members: Parameters): Promise<Sweep> {
    return unlessRefused(await this.#server.post<Sweep>(`/ingest/quarantine/${action}`, members));
  }
}
