import type { CertifiedMessage, WatchMessage } from '@tidemark/client';
import { LatencyMeter, RateMeter } from './meter.ts';

const CERTIFICATES_SHOWN = 5;

interface Certificate {
  stream: string;
  leafIndex: number;
  versionId: string;
}

/** What the terminal shows of the live feed. Times are handed in, in milliseconds since 1970. */
export class DemoDisplay {
  #url: string;
  #received: RateMeter;
  #certified: RateMeter;
  #latency = new LatencyMeter();
  #certificates: Certificate[] = [];
  #quarantined = 0;
  #anchored = 0;
  #missed = 0;
  /** A line on the state of the connection, empty while all is well. */
  trouble = '';

  constructor(url: string, now: number) {
    this.#url = url;
    this.#received = new RateMeter(now);
    this.#certified = new RateMeter(now);
  }

  take(message: WatchMessage, now: number): void {
    this.trouble = '';
    if (message.type === 'received') this.#received.add(message.count, now);
    else if (message.type === 'certified') this.#certify(message, now);
    else if (message.type === 'quarantined') this.#quarantined += 1;
    else if (message.type === 'anchored') this.#anchored += 1;
    else if (message.type === 'gap') this.#missed += 1;
  }

  #certify({ stream, leafIndex, versionId, sourceId, normalized }: CertifiedMessage, now: number): void {
    this.#certified.add(1, now);
    this.#certificates.unshift({ stream, leafIndex, versionId });
    this.#certificates.length = Math.min(this.#certificates.length, CERTIFICATES_SHOWN);
    // Only this feed carries the moment of its own reading, by the clock of this same machine.
    if (sourceId !== 'machine-metrics') return;
    const measuredAt = Date.parse(String((normalized as { ts?: unknown } | undefined)?.ts));
    if (!Number.isNaN(measuredAt)) this.#latency.add(now - measuredAt, now);
  }

  /** One line, for logs. */
  summary(now: number): string {
    const counts = `${this.#quarantined} quarantined, ${this.#anchored} packets anchored, ${this.#missed} gaps`;
    return `${this.#rates(now)} | ${this.#latencyText(now)} | ${counts}${this.trouble && ` | ${this.trouble}`}`;
  }

  /** The lines of the full picture, always the same number of them. */
  lines(now: number): string[] {
    const certificates = Array.from({ length: CERTIFICATES_SHOWN }, (_, i) => {
      const certificate = this.#certificates[i];
      if (!certificate) return '';
      const { stream, leafIndex, versionId } = certificate;
      return `  ${stream.padEnd(18)} leaf ${String(leafIndex).padStart(8)}   ${versionId.slice(0, 16)}…`;
    });
    return [
      `Tidemark   ${this.#url}`,
      '',
      `  rate       ${this.#rates(now)}`,
      `  latency    ${this.#latencyText(now)}`,
      `  so far     ${this.#certified.total} certified, ${this.#quarantined} quarantined, ${this.#anchored} packets anchored, ${this.#missed} gaps`,
      '',
      '  newest certificates',
      ...certificates,
      '',
      `  ${this.trouble || 'Every line can be checked in the browser: open the page and click it.'}`,
    ];
  }

  #rates(now: number): string {
    return `${rate(this.#received, now)} received/s, ${rate(this.#certified, now)} certified/s`;
  }

  #latencyText(now: number): string {
    const [p50, p95] = this.#latency.quantiles([0.5, 0.95], now) ?? [];
    if (p50 === undefined || p95 === undefined) return 'reading to certificate: no sample yet';
    return `reading to certificate ${Math.round(p50)} ms (p50), ${Math.round(p95)} ms (p95)`;
  }
}

function rate(meter: RateMeter, now: number): string {
  return meter.perSecond(now).toFixed(1);
}
