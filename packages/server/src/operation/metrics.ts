/** What can be counted, in Prometheus text. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Read at the moment somebody asks. */
export interface Levels {
  journalHead: number;
  ledgerHead: number;
  /** Journaled items that are not in the ledger yet. */
  backlog: number;
  /** Events that streams hold back until their order is settled. */
  held: number;
  watchers: number;
  bodiesInFlightBytes: number;
  deliveriesPending: number;
}

/** Counted since the start. */
export interface Totals {
  watchMessages: number;
  watchTooSlow: number;
  feedCacheHits: number;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'route' | 'code'>;
  readonly #duration: Histogram<'route'>;
  readonly #certified: Histogram;

  constructor(levels: () => Levels, totals: () => Totals) {
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: 'tidemark_http_requests_total',
      help: 'Answers by route and status code',
      labelNames: ['route', 'code'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'tidemark_http_request_seconds',
      help: 'Time from a request to the end of its answer',
      labelNames: ['route'],
      buckets: SECONDS,
      registers,
    });
    this.#certified = new Histogram({
      name: 'tidemark_certification_seconds',
      help: "Time from the arrival of a packet's first event to the commit that certifies it",
      buckets: SECONDS,
      registers,
    });
    const gauges: [keyof Levels, string, string][] = [
      ['journalHead', 'tidemark_journal_head', 'Last position of the journal'],
      ['ledgerHead', 'tidemark_ledger_head', 'Last position of the ledger'],
      ['backlog', 'tidemark_backlog_items', 'Journaled items that are not in the ledger yet'],
      ['held', 'tidemark_held_events', 'Events held back until the order of their stream is settled'],
      ['watchers', 'tidemark_watch_clients', 'Clients of the live feed'],
      ['bodiesInFlightBytes', 'tidemark_bodies_in_flight_bytes', 'Bytes of request bodies in memory'],
      ['deliveriesPending', 'tidemark_deliveries_pending', 'Deliveries waiting for the journal commit'],
    ];
    for (const [level, name, help] of gauges) {
      const gauge: Gauge = new Gauge({ name, help, registers, collect: () => gauge.set(levels()[level]) });
    }
    const counters: [keyof Totals, string, string][] = [
      ['watchMessages', 'tidemark_watch_messages_total', 'Messages written to clients that follow the live feed'],
      ['watchTooSlow', 'tidemark_watch_too_slow_total', 'How often more waited for a client than is allowed'],
      ['feedCacheHits', 'tidemark_feed_cache_hits_total', 'Pages of feeds that were in the cache'],
    ];
    for (const [total, name, help] of counters) {
      const collect = () => {
        counter.reset();
        counter.inc(totals()[total]);
      };
      const counter: Counter = new Counter({ name, help, registers, collect });
    }
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  certified(seconds: number): void {
    this.#certified.observe(seconds);
  }

  answered(route: string, code: number, seconds: number): void {
    this.#requests.inc({ route, code: String(code) });
    this.#duration.observe({ route }, seconds);
  }
}
