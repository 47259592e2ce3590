/** Reads a request's body into memory: decoded, within its bound, and within the bound on all bodies together. */
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';

/** Maps, here and for media types: an object would answer to "constructor" too. */
const DECODERS = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
  ['zstd', createZstdDecompress],
]);

interface Held {
  bytes: number;
  /** Of all bodies together, for this one to be let in. */
  limit: number;
}

export class BodyReader {
  readonly #maxBytes: number;
  readonly #maxInFlight: number;
  #inFlight = 0;

  constructor(limits: { bodyBytes: number; inFlightBytes: number }) {
    this.#maxBytes = limits.bodyBytes;
    this.#maxInFlight = limits.inFlightBytes;
  }

  /** Bytes of bodies that are being read or worked on. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Reads the body and calls `use` with it; the memory counts as taken until `use` is done.
   * @param admitted whether the sender is known: strangers share half of the memory, so that they keep nobody else out
   * @throws Problem 400 `body-malformed`, 408 `request-timeout`, 413 `body-too-large`, 415 `unsupported-media-type`,
   *   503 `overloaded`
   */
  async with<T>(request: FastifyRequest, admitted: boolean, use: (body: Buffer) => Promise<T>): Promise<T> {
    const declared = Number(request.headers['content-length'] ?? 0);
    if (declared > this.#maxBytes) throw this.#tooLarge();
    // Counted as it comes: what is merely declared would let a few idle connections keep everybody out.
    const held = { bytes: 0, limit: admitted ? this.#maxInFlight : this.#maxInFlight / 2 };
    try {
      return await use(await this.#read(request, held));
    } finally {
      this.#inFlight -= held.bytes;
    }
  }

  async #read(request: FastifyRequest, held: Held): Promise<Buffer> {
    const source = (request.body as Readable | undefined) ?? request.raw;
    const decoder = decoderFor(request);
    const chunks: Buffer[] = [];
    let length = 0;
    const stream: Readable = decoder === undefined ? source : decoded(source, decoder);
    const arriving: AsyncIterator<Buffer> = stream.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value: chunk } = await inTime(arriving.next());
        if (done === true) break;
        length += chunk.length;
        if (length > this.#maxBytes) throw this.#tooLarge();
        if (length > held.bytes) this.#take(held, length - held.bytes);
        chunks.push(chunk);
      }
    } catch (cause) {
      const discardRest = () => discard(source, decoder);
      // The iterator has to let go first. It is not waited for: of a sender that is gone it never hears.
      void arriving.return?.().then(discardRest, discardRest);
      if (cause instanceof Problem) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Problem(400, 'body-malformed', `the body ended early or its encoding is damaged: ${why}`, { cause });
    }
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length);
  }

  #take(held: Held, bytes: number): void {
    if (this.#inFlight + bytes > held.limit) {
      throw new Problem(503, 'overloaded', 'too much is being taken in at once; send it again later', {
        retryAfter: 1,
      });
    }
    held.bytes += bytes;
    this.#inFlight += bytes;
  }

  #tooLarge(): Problem {
    return new Problem(
      413,
      'body-too-large',
      `a body is at most ${this.#maxBytes} bytes, decoded; send smaller batches`,
    );
  }
}

/** Nothing of a body for so long, and its sender is taken for gone. */
const IDLE_MS = 10_000;

async function inTime<T>(next: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new Problem(408, 'request-timeout', `nothing of the body came for ${IDLE_MS / 1000} s; send it again`));
  }, IDLE_MS);
  try {
    return await Promise.race([next, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Not by `pipeline`, which at the first error destroys the request, and with it the connection that is to answer. */
function decoded(source: Readable, decoder: Transform): Transform {
  source.once('error', (error) => decoder.destroy(error));
  return source.pipe(decoder);
}

/** Reads the rest to nowhere: many a client hears no answer before it has sent all it has. */
function discard(source: Readable, decoder: Transform | undefined): void {
  if (decoder !== undefined) source.unpipe(decoder);
  decoder?.destroy();
  source.resume();
}

function decoderFor(request: FastifyRequest): Transform | undefined {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return undefined;
  const decoder = DECODERS.get(encoding);
  if (decoder === undefined) {
    throw new Problem(415, 'unsupported-media-type', 'Content-Encoding is one of gzip, deflate, br, zstd, identity');
  }
  return decoder();
}
