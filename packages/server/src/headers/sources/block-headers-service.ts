/** A Block Headers Service: headers as JSON objects, by height, those of stale blocks among them. */
import { HEADER_BYTES, isHex } from '@tidemark/proof';
import { HeaderError } from '../errors.ts';
import { readHeader } from '../raw-header.ts';
import { type Endpoint, fetchJson } from './fetch-json.ts';
import type { HeaderSource, Stretch } from './source.ts';

/** One header takes some 400 bytes of JSON; every height may have several. */
const BYTES_A_HEIGHT = 2048;
const FRAME_BYTES = 4096;

export class BlockHeadersServiceSource implements HeaderSource {
  readonly name: string;
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.name = `block headers service ${endpoint.base}`;
    this.#endpoint = endpoint;
  }

  async height(signal: AbortSignal): Promise<number> {
    const path = '/api/v1/chain/tip/longest';
    const tip = await fetchJson(this.#endpoint, path, { maxBytes: FRAME_BYTES, signal });
    const height = isObject(tip) ? tip.height : undefined;
    if (typeof height === 'number' && Number.isSafeInteger(height) && height >= 0) return height;
    throw this.#malformed('the tip has no height');
  }

  async read(height: number, count: number, signal: AbortSignal): Promise<Stretch> {
    const path = `/api/v1/chain/header/byHeight?height=${height}&count=${count}`;
    const answer = await fetchJson(this.#endpoint, path, { maxBytes: FRAME_BYTES + count * BYTES_A_HEIGHT, signal });
    if (!Array.isArray(answer)) throw this.#malformed('the headers are no list');
    const run = longestRun(answer.map((one: unknown) => this.#encode(one)));
    return { raw: Buffer.concat(run), next: height + run.length };
  }

  #encode(header: unknown): Buffer {
    if (!isObject(header)) throw this.#malformed('a header is no object');
    const { version, prevBlockHash, merkleRoot, creationTimestamp, difficultyTarget, nonce } = header;
    const raw = Buffer.alloc(HEADER_BYTES);
    raw.writeInt32LE(this.#number(version, -0x8000_0000, 0x7fff_ffff), 0);
    this.#hash(prevBlockHash).copy(raw, 4);
    this.#hash(merkleRoot).copy(raw, 36);
    raw.writeUInt32LE(this.#number(creationTimestamp, 0, 0xffff_ffff), 68);
    raw.writeUInt32LE(this.#number(difficultyTarget, 0, 0xffff_ffff), 72);
    raw.writeUInt32LE(this.#number(nonce, 0, 0xffff_ffff), 76);
    return raw;
  }

  #number(value: unknown, min: number, max: number): number {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw this.#malformed(`a header has ${JSON.stringify(value)?.slice(0, 40)} where a number belongs`);
  }

  #hash(value: unknown): Buffer {
    if (isHex(value, 32)) return Buffer.from(value, 'hex').reverse();
    throw this.#malformed(`a header has ${JSON.stringify(value)?.slice(0, 80)} where a hash belongs`);
  }

  #malformed(why: string): HeaderError {
    return new HeaderError('source-malformed', `${this.name}: ${why}`);
  }
}

/** Of headers of which each follows one before it, or none of them, those of the longest chain: without stale blocks. */
function longestRun(headers: readonly Buffer[]): Buffer[] {
  const runs = new Map<string, { raw: Buffer; prevHash: string; length: number }>();
  let last = '';
  for (const { raw, hash, prevHash } of headers.map(readHeader)) {
    const length = (runs.get(prevHash)?.length ?? 0) + 1;
    runs.set(hash, { raw, prevHash, length });
    if (length > (runs.get(last)?.length ?? 0)) last = hash;
  }
  const run: Buffer[] = [];
  for (let at = runs.get(last); at !== undefined; at = runs.get(at.prevHash)) run.push(at.raw);
  return run.reverse();
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
