/** A load generator that costs little: plain node:http over keep-alive connections. */
import { Agent, request } from 'node:http';

export class Poster {
  readonly #url: URL;
  readonly #agent: Agent;
  readonly #headers: Record<string, string>;

  constructor(url: string, connections: number, headers: Record<string, string>) {
    this.#url = new URL(url);
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
    this.#headers = headers;
  }

  /** @returns milliseconds to the end of the answer */
  post(body: Buffer): Promise<number> {
    const started = performance.now();
    return new Promise((resolve, reject) => {
      const headers = { ...this.#headers, 'content-length': body.length };
      const sent = request(this.#url, { method: 'POST', agent: this.#agent, headers }, (answer) => {
        answer.resume();
        answer.once('end', () => {
          if (answer.statusCode === 200) resolve(performance.now() - started);
          else reject(new RangeError(`answered ${answer.statusCode}`));
        });
      });
      sent.once('error', reject);
      sent.end(body);
    });
  }

  /** Posts all bodies, `parallel` at a time. @returns the latency of each, milliseconds */
  async postAll(bodies: readonly Buffer[], parallel: number): Promise<number[]> {
    const latencies: number[] = [];
    let next = 0;
    const worker = async () => {
      for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) latencies.push(await this.post(body));
    };
    await Promise.all(Array.from({ length: parallel }, worker));
    return latencies;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Waits until everything journaled is certified. */
export async function untilCertified(url: string): Promise<void> {
  for (;;) {
    const health = (await (await fetch(`${url}/health`)).json()) as { backlog: number };
    if (health.backlog === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
