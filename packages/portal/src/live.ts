import type { CertifiedMessage, LiveMessage } from './messages.ts';
import { LatencyMeter, RateMeter } from './meters.ts';

/** Rows and notices kept; whatever comes, the page does not grow past them. */
export const MAX_ROWS = 50;
const MAX_NOTICES = 20;

export interface StreamState {
  certified: number;
  quarantined: number;
  /** Size of the log as far as it has been seen here. */
  leaves: number;
  anchor?: { chain: string; height: number; txid: string };
}

export interface Row {
  /** Milliseconds since 1970. */
  time: number;
  event: CertifiedMessage;
}

export interface Notice {
  time: number;
  text: string;
}

/** All that the page shows of the live feed. Taking a message is cheap; drawing happens apart, once a frame. */
export class LiveState {
  readonly received: RateMeter;
  readonly certified: RateMeter;
  readonly latency = new LatencyMeter();
  readonly streams = new Map<string, StreamState>();
  readonly rows: Row[] = [];
  readonly notices: Notice[] = [];
  anchored = 0;
  quarantined = 0;
  gaps = 0;

  /** `now` is of a monotonic clock. */
  constructor(now: number) {
    this.received = new RateMeter(now);
    this.certified = new RateMeter(now);
  }

  /** `now` of the monotonic clock for rates and latency, `time` of the wall clock for show. */
  take(message: LiveMessage, now: number, time: number): void {
    switch (message.type) {
      case 'received':
        this.received.add(message.count, now);
        for (const eventId of message.eventIds) this.latency.received(eventId, now);
        break;
      case 'certified':
        this.certified.add(1, now);
        this.latency.certified(message.eventId, now);
        this.#stream(message.stream).certified += 1;
        this.show({ time, event: message });
        break;
      case 'quarantined':
        this.quarantined += 1;
        this.#stream(message.stream).quarantined += 1;
        this.#notice(
          time,
          `Quarantined from ${message.sourceId}: ${message.reasons.join(', ')} (event ${message.eventId})`,
        );
        break;
      case 'anchored': {
        this.anchored += 1;
        const { chain, height, txid } = message;
        this.#stream(message.stream).anchor = { chain, height, txid };
        break;
      }
      case 'gap':
        this.gaps += 1;
        this.#notice(time, `Gap in this feed: ${message.text || 'some messages were not sent'}`);
        break;
    }
  }

  /** Puts an event on top of the list without counting it: one that was certified before the page was opened. */
  show(row: Row): void {
    const stream = this.#stream(row.event.stream);
    stream.leaves = Math.max(stream.leaves, row.event.leafIndex + 1);
    this.rows.unshift(row);
    if (this.rows.length > MAX_ROWS) this.rows.pop();
  }

  #stream(id: string): StreamState {
    let stream = this.streams.get(id);
    if (!stream) {
      stream = { certified: 0, quarantined: 0, leaves: 0 };
      this.streams.set(id, stream);
    }
    return stream;
  }

  #notice(time: number, text: string): void {
    this.notices.unshift({ time, text });
    if (this.notices.length > MAX_NOTICES) this.notices.pop();
  }
}
