/** Manifests, transactions, blocks and headers for the catalog, and a server with its routes alone. */
import { anchorScript, concat, fromHex, type Pin, transactionId, versionId } from '@tidemark/proof';
import Fastify, { type FastifyInstance } from 'fastify';
import { IdentityError } from '../../src/access/errors.ts';
import { Guard } from '../../src/access/guard.ts';
import { IdentityCheck } from '../../src/access/identity.ts';
import { newNonce, signRequest } from '../../src/access/outgoing.ts';
import { SqliteNonces } from '../../src/access/sqlite-nonces.ts';
import { doubleHash, reversedHex } from '../../src/anchor/mining.ts';
import { type Catalog, openCatalog } from '../../src/catalog/open.ts';
import type { OwnAnchored } from '../../src/catalog/receiver.ts';
import { HeaderStore } from '../../src/headers/header-store.ts';
import type { Headers } from '../../src/headers/headers.ts';
import { BodyReader } from '../../src/http/body.ts';
import { Problem, sendProblem } from '../../src/http/problem.ts';
import { advisoryReadRoutes, advisoryWriteRoutes } from '../../src/http/routes/advisories.ts';
import { catalogReadRoutes, catalogWriteRoutes, searchCatalog } from '../../src/http/routes/catalog.ts';
import { bundleRoutes } from '../../src/http/routes/proof.ts';
import { IdentityKey } from '../../src/keys.ts';
import { ProofBuilder } from '../../src/read/proofs.ts';
import { SqliteLedger } from '../../src/store/sqlite/ledger.ts';
import { SqliteLedgerReader } from '../../src/store/sqlite/ledger-reader.ts';
import { EASY_BITS, NOW, PINNED, START } from '../headers/chain.ts';
import { call, type Json, type Reply } from '../http/client.ts';
import { openAccess } from '../support/open-access.ts';

export const OWNER = new IdentityKey(new Uint8Array(32).fill(0x5a));
export const STRANGER = new IdentityKey(new Uint8Array(32).fill(0x5b));
export const ADVISOR = new IdentityKey(new Uint8Array(32).fill(0x5c));
export const ADMIN_TOKEN = 'b'.repeat(64);

/** A manifest that claims no producer. */
export function manifestOf(changes: object = {}): Json {
  return {
    type: 'datasetVersionManifest',
    datasetId: 'demo-dataset',
    description: 'Measured at the river',
    content: { contentHash: 'a'.repeat(64), sizeBytes: 7, mimeType: 'text/csv', tags: ['water', 'Level'] },
    provenance: { createdAt: '2025-01-01T00:00:00Z' },
    policy: { license: 'cc-by-4.0', classification: 'public' },
    ...changes,
  };
}

/** A manifest with a producer and its signature. @param signer whose signature it is */
export function signedManifest(changes: object = {}, owner = OWNER, signer = owner): Json {
  const base = manifestOf(changes);
  const manifest = { ...base, provenance: { ...base.provenance, producer: { identityKey: owner.publicKey } } };
  const signature = signer.sign(fromHex(versionId(manifest))).toString('hex');
  return { ...manifest, signatures: { producer: { publicKey: owner.publicKey, signature } } };
}

/** A transaction with these output scripts. @param tag tells two of the same outputs apart */
export function transactionOf(scripts: readonly Uint8Array[], tag = 0): Buffer {
  const input = [new Uint8Array(32).fill(1), Uint8Array.of(tag, 0, 0, 0), Uint8Array.of(0), Buffer.alloc(4, 0xff)];
  const outputs = scripts.map((script) => concat(new Uint8Array(8), lengthOf(script.length), script));
  const count = lengthOf(scripts.length);
  return Buffer.from(
    concat(Uint8Array.of(1, 0, 0, 0), Uint8Array.of(1), ...input, count, ...outputs, new Uint8Array(4)),
  );
}

function lengthOf(length: number): Uint8Array {
  return length < 0xfd ? Uint8Array.of(length) : Uint8Array.of(0xfd, length & 0xff, length >> 8);
}

/** The transaction that a wallet makes for manifests. */
export function carrying(manifests: readonly Json[], tag = 0): Buffer {
  return transactionOf(
    manifests.map((manifest) => anchorScript({ mh: versionId(manifest), parents: manifest.lineage?.parents ?? [] })),
    tag,
  );
}

export interface MinedBlock {
  hash: string;
  raw: Buffer;
  /** Of each transaction put into it. */
  envelopes: Json[];
}

/** A block of at most two transactions on the one before. */
export function mineBlock(prevHash: string, transactions: readonly Buffer[], time: number): MinedBlock {
  const hashes = transactions.map((raw) => doubleHash(raw));
  const root = hashes.length === 2 ? doubleHash(Buffer.concat(hashes)) : (hashes[0] ?? Buffer.alloc(32, time % 251));
  const header = Buffer.alloc(80);
  header.writeUInt32LE(1, 0);
  Buffer.from(prevHash, 'hex').reverse().copy(header, 4);
  root.copy(header, 36);
  header.writeUInt32LE(time, 68);
  header.writeUInt32LE(EASY_BITS, 72);
  const hash = solve(header);
  const envelopes = transactions.map((raw, index) => {
    const txid = transactionId(raw);
    const sibling = hashes[1 - index];
    const path =
      sibling === undefined ? [] : [{ hash: reversedHex(sibling), position: index === 0 ? 'right' : 'left' }];
    const proof = { txid, merkleRoot: reversedHex(root), path };
    return { rawTx: raw.toString('hex'), txid, proof, block: { blockHeader: header.toString('hex') } };
  });
  return { hash, raw: header, envelopes };
}

function solve(header: Buffer): string {
  for (let nonce = 0; ; nonce++) {
    header.writeUInt32LE(nonce, 76);
    const hash = reversedHex(doubleHash(header));
    if (hash < '7fffff') return hash;
  }
}

/** A chain of headers that can be added to, from the pinned block on. */
export class Chain {
  readonly store: HeaderStore;
  #tip = PINNED.hash;
  #time = START;

  constructor(dataDir: string) {
    const pin: Pin = { height: 100, hash: PINNED.hash, floorBits: EASY_BITS };
    this.store = new HeaderStore(dataDir, 'regtest', pin);
    this.store.add(PINNED.raw, NOW);
  }

  /** Adds a block. @param on the tip, unless another branch is to be made */
  add(transactions: readonly Buffer[] = [], on = this.#tip): MinedBlock {
    this.#time += 600;
    const block = mineBlock(on, transactions, this.#time);
    this.store.add(block.raw, NOW);
    this.#tip = block.hash;
    return block;
  }

  get tip(): string {
    return this.#tip;
  }
}

export interface CatalogServerOptions {
  headers?: Headers | undefined;
  required?: boolean;
  minConfirmations?: number;
  shareBytes?: number;
  publicUrl?: string;
  bundleMaxDepth?: number;
}

export type Sender = IdentityKey | 'admin' | 'nobody';

/** The routes over a catalog, on a server of their own. */
export class CatalogServer {
  readonly dataDir: string;
  readonly catalog: Catalog;
  /** What was handed over to the pipeline. */
  readonly handed: OwnAnchored[] = [];
  /** Milliseconds since 1970. */
  time = NOW;
  url = '';
  readonly #server: FastifyInstance;
  readonly #closing: (() => void | Promise<void>)[] = [];

  constructor(dataDir: string, options: CatalogServerOptions = {}) {
    this.dataDir = dataDir;
    // The ledger is there before anything reads it.
    new SqliteLedger(dataDir).close();
    const ledger = new SqliteLedgerReader(dataDir);
    const {
      headers,
      required = true,
      minConfirmations = 1,
      shareBytes = 1 << 20,
      publicUrl,
      bundleMaxDepth = 10,
    } = options;
    const now = () => this.time;
    const proofs = new ProofBuilder(ledger, headers);
    this.catalog = openCatalog({
      ...{ dataDir, ledger, headers, proofs, minConfirmations, now },
      advisors: [ADVISOR.publicKey],
      identityRequired: required,
      ownAnchored: (anchored) => void this.handed.push(anchored),
    });
    const nonces = new SqliteNonces(dataDir);
    this.#closing.push(
      () => this.catalog.close(),
      () => ledger.close(),
      () => nonces.close(),
    );
    const access = openAccess(ADMIN_TOKEN);
    const identity = new IdentityCheck({ accept: ['2', 'A'], nonces, now, publicUrl });
    const guard = new Guard({ identity, access, required });
    const bodies = new BodyReader({ bodyBytes: 1 << 25, inFlightBytes: 1 << 27 });
    this.#server = bareServer();
    const routes = {
      ...this.catalog,
      guard,
      bodies,
      publicUrl,
      now,
      catalogShareBytes: shareBytes,
      bundleMaxDepth,
    };
    catalogReadRoutes(this.#server, routes);
    this.#server.get('/search', async (request) => searchCatalog(request, routes));
    catalogWriteRoutes(this.#server, routes);
    advisoryReadRoutes(this.#server, routes);
    advisoryWriteRoutes(this.#server, routes);
    bundleRoutes(this.#server, routes);
  }

  async open(): Promise<this> {
    this.url = await this.#server.listen({ host: '127.0.0.1', port: 0 });
    return this;
  }

  async close(): Promise<void> {
    await this.#server.close();
    for (const close of this.#closing) await close();
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Reply> {
    return call(this.url, path, { headers });
  }

  /** Signed in form 2 by the key, or with the admin token, or not at all. */
  post(path: string, body: unknown, by: Sender = OWNER, more: Record<string, string> = {}) {
    const bytes =
      body instanceof Uint8Array
        ? Buffer.from(body)
        : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const headers = { 'content-type': 'application/json', ...this.#shown(path, bytes, by), ...more };
    return call(this.url, path, { method: 'POST', headers, body: bytes });
  }

  #shown(path: string, body: Buffer, by: Sender): Record<string, string> {
    if (by === 'nobody') return {};
    if (by === 'admin') return { authorization: `Bearer ${ADMIN_TOKEN}` };
    const url = new URL(path, this.url);
    return signRequest(by, '2', { method: 'POST', url, body, nonce: newNonce(), now: this.time });
  }
}

/** Leaves bodies to the routes and answers refusals as the service does. */
function bareServer(): FastifyInstance {
  const server = Fastify({ routerOptions: { maxParamLength: 256 } });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  server.setErrorHandler((error, request, reply) => {
    if (error instanceof IdentityError) return reply.code(error.status).send({ error: error.code, hint: error.hint });
    if (error instanceof Problem) return sendProblem(request, reply, error);
    return reply.code(500).send({ error: 'defect', hint: String(error) });
  });
  return server;
}
