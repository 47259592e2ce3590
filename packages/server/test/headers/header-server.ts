/** A server of headers by either API, honest unless told otherwise. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseHeader } from '@tidemark/proof';
import { type Block, PINNED } from './chain.ts';

type Fault = (request: IncomingMessage, response: ServerResponse) => void;

export class HeaderServer {
  /** Its block at height 100, where the chains of the tests are pinned. */
  pinned = PINNED;
  /** Its best chain from height 101 on. */
  blocks: readonly Block[] = [];
  /** Stale blocks by height. */
  readonly stale = new Map<number, Block[]>();
  /** What it says is its height, in place of the true one. */
  claims: number | undefined;
  /** Answers in place of it. */
  fault: Fault | undefined;
  /** Path, query and authorization of each request. */
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.asked.push([request.url, request.headers.authorization].filter(Boolean).join(' '));
      if (this.fault !== undefined) this.fault(request, response);
      else this.#answer(new URL(request.url ?? '/', 'http://localhost'), response);
    });
  }

  static async start(blocks: readonly Block[] = []): Promise<HeaderServer> {
    const server = new HeaderServer();
    server.blocks = blocks;
    const { promise, resolve } = Promise.withResolvers<void>();
    server.#server.listen(0, '127.0.0.1', resolve);
    await promise;
    return server;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#server.close(resolve);
    this.#server.closeAllConnections();
    await promise;
  }

  #answer({ pathname, searchParams }: URL, response: ServerResponse): void {
    const height = Number(searchParams.get('height'));
    const heights = Array.from({ length: Number(searchParams.get('count')) }, (_, index) => height + index);
    const claimed = this.claims ?? 100 + this.blocks.length;
    const at = (one: number) =>
      one === 100 ? [this.pinned] : one > 100 ? this.blocks.slice(one - 101, one - 100) : [];
    const answers: Record<string, () => unknown> = {
      '/getPresentHeight': () => ({ status: 'success', value: claimed }),
      '/getHeaders': () => ({
        status: 'success',
        value: heights
          .flatMap(at)
          .map(({ raw }) => raw.toString('hex'))
          .join(''),
      }),
      '/api/v1/chain/tip/longest': () => ({ header: {}, state: 'LONGEST_CHAIN', chainWork: '1', height: claimed }),
      '/api/v1/chain/header/byHeight': () =>
        heights.flatMap((one) => [...at(one), ...(this.stale.get(one) ?? [])]).map(asObject),
    };
    const answer = answers[pathname]?.();
    response.statusCode = answer === undefined ? 404 : 200;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer ?? 'not found'));
  }
}

function asObject({ raw }: Block): object {
  const { hash, version, prevHash, merkleRoot, time, bits, nonce } = parseHeader(raw);
  const rest = { creationTimestamp: time, difficultyTarget: bits, nonce, work: '2' };
  return { hash, version, prevBlockHash: prevHash, merkleRoot, ...rest };
}
