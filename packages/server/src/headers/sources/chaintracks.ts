/** A Chaintracks server, by its first API: answers are `{status: "success", value}`. */
import { HEADER_BYTES } from '@tidemark/proof';
import { HeaderError } from '../errors.ts';
import { type Endpoint, fetchJson } from './fetch-json.ts';
import type { HeaderSource, Stretch } from './source.ts';

const HEX_DIGITS = 2 * HEADER_BYTES;
/** What surrounds the value. */
const FRAME_BYTES = 4096;

export class ChaintracksSource implements HeaderSource {
  readonly name: string;
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.name = `chaintracks ${endpoint.base}`;
    this.#endpoint = endpoint;
  }

  async height(signal: AbortSignal): Promise<number> {
    const height = await this.#ask('/getPresentHeight', FRAME_BYTES, signal);
    if (typeof height === 'number' && Number.isSafeInteger(height) && height >= 0) return height;
    throw this.#malformed('the height is no whole number');
  }

  async read(height: number, count: number, signal: AbortSignal): Promise<Stretch> {
    const maxBytes = count * HEX_DIGITS + FRAME_BYTES;
    const hex = await this.#ask(`/getHeaders?height=${height}&count=${count}`, maxBytes, signal);
    if (typeof hex !== 'string' || hex.length % HEX_DIGITS !== 0 || !/^[0-9a-f]*$/i.test(hex)) {
      throw this.#malformed('the headers are not hex of 80 bytes each');
    }
    const raw = Buffer.from(hex.slice(0, count * HEX_DIGITS), 'hex');
    return { raw, next: height + raw.length / HEADER_BYTES };
  }

  async #ask(path: string, maxBytes: number, signal: AbortSignal): Promise<unknown> {
    const answer = await fetchJson(this.#endpoint, path, { maxBytes, signal });
    if (typeof answer !== 'object' || answer === null) throw this.#malformed('the answer is no object');
    if (!('status' in answer) || answer.status !== 'success') {
      throw new HeaderError('source-refused', `${this.name} answered without success to ${path}`);
    }
    return 'value' in answer ? answer.value : undefined;
  }

  #malformed(why: string): HeaderError {
    return new HeaderError('source-malformed', `${this.name}: ${why}`);
  }
}
