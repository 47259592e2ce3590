/** ARC's API in front of a real node. It is honest and quick unless it is told otherwise. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Transaction } from '@bsv/sdk';
import { bumpBytes, bumpOfPath, fromHex, type PathStep, toHex } from '@tidemark/proof';
import { doubleHash, reversedHex } from '../../src/anchor/mining.ts';
import type { BcashNode, MinedBlock } from './bcash.ts';

export interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

export interface Asked {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  /** Of a submitted transaction, or of the one that is asked about. */
  txid: string | undefined;
}

/**
 * Stands between the honest answer and the client.
 * @param honest to be called where the request is to have its effect
 * @returns what is answered, or `drop` to break the connection off, or `hang` to leave it open
 */
export type Fault = (asked: Asked, honest: () => Promise<Answer>) => Promise<Answer | 'drop' | 'hang'>;

export class ArcStandIn {
  fault: Fault | undefined;
  fee = { satoshis: 50, bytes: 1000 };
  readonly asked: Asked[] = [];
  /** In the node's words. */
  readonly rejected = new Map<string, string>();
  readonly #node: BcashNode;
  readonly #server: Server;

  private constructor(node: BcashNode) {
    this.#node = node;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(node: BcashNode): Promise<ArcStandIn> {
    const arc = new ArcStandIn(node);
    const { promise, resolve } = Promise.withResolvers<void>();
    arc.#server.listen(0, '127.0.0.1', resolve);
    await promise;
    return arc;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/arc`;
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#server.close(resolve);
    this.#server.closeAllConnections();
    await promise;
  }

  /** What the node knows of it. */
  status(txid: string): Answer {
    const block = this.#node.blockOf(txid);
    const status = (txStatus: string, more: object = {}) => ({ status: 200, body: { txid, txStatus, ...more } });
    if (block !== undefined) return status('MINED', mined(block, txid));
    if (this.#node.isWaiting(txid)) return status('SEEN_ON_NETWORK');
    const rejected = this.rejected.get(txid);
    if (rejected !== undefined) return status('REJECTED', { extraInfo: rejected });
    return { status: 404, body: { status: 404, title: 'Not found' } };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request);
    const path = (request.url ?? '').replace(/^\/arc/, '');
    const { txid, honest } = this.#route(request.method ?? '', path, body);
    const asked = { method: request.method ?? '', path, headers: request.headers, txid };
    this.asked.push(asked);
    const answer = await (this.fault === undefined ? honest() : this.fault(asked, honest));
    if (answer === 'hang') return;
    if (answer === 'drop') return void request.socket.destroy();
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  }

  #route(method: string, path: string, body: string): { txid: string | undefined; honest: () => Promise<Answer> } {
    if (path === '/v1/policy') {
      return { txid: undefined, honest: async () => ({ status: 200, body: { policy: { miningFee: this.fee } } }) };
    }
    if (method === 'POST') {
      const extended = Transaction.fromHexEF((JSON.parse(body) as { rawTx: string }).rawTx);
      const txid = extended.id('hex');
      return { txid, honest: () => this.#submit(txid, extended) };
    }
    const txid = path.split('/').at(-1) ?? '';
    return { txid, honest: async () => this.status(txid) };
  }

  async #submit(txid: string, extended: Transaction): Promise<Answer> {
    const raw = Uint8Array.from(extended.toBinary());
    const fee = extended.getFee();
    if (fee < (raw.length * this.fee.satoshis) / this.fee.bytes)
      return { status: 465, body: { status: 465, detail: 'fees' } };
    if (this.#node.blockOf(txid) === undefined && !this.#node.isWaiting(txid)) {
      try {
        await this.#node.send(raw);
        this.rejected.delete(txid);
      } catch (error) {
        this.rejected.set(txid, (error as { reason: string }).reason);
      }
    }
    return this.status(txid);
  }
}

/** What ARC says of a transaction in a block. */
export function mined(block: MinedBlock, txid: string, path = pathIn(block, txid)): object {
  const merklePath = toHex(bumpBytes(bumpOfPath(block.height, txid, path)));
  return { blockHash: reversedHex(doubleHash(block.header)), blockHeight: block.height, merklePath };
}

function pathIn({ txids }: MinedBlock, txid: string): PathStep[] {
  const path: PathStep[] = [];
  let index = txids.indexOf(txid);
  for (let row = txids; row.length > 1; index >>= 1) {
    const even = row.length % 2 === 0 ? row : [...row, row.at(-1)!];
    path.push({ hash: even[index ^ 1]!, position: index % 2 === 0 ? 'right' : 'left' });
    row = even.flatMap((left, at) => (at % 2 === 0 ? [parent(left, even[at + 1]!)] : []));
  }
  return path;
}

function parent(left: string, right: string): string {
  return reversedHex(doubleHash(Buffer.concat([fromHex(left).reverse(), fromHex(right).reverse()])));
}

async function readAll(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
}
