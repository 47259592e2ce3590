/**
 * A server that shows a log which is not what it was: the leaves of a real one, altered at will, in a tree of its own,
 * under checkpoints and manifests that the real log's keys have signed. What an operator who cheats could do.
 */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  canonicalize,
  controlText,
  decodeEntries,
  encodeEntries,
  formatVerifierKey,
  fromHex,
  hashesAt,
  leafHash,
  type Manifest,
  nodeHash,
  parseCheckpoint,
  parseTilePath,
  parseVerifierKey,
  rootOf,
  signCheckpoint,
  toBase64,
  toHex,
  utf8,
  type VerifierKey,
  verifierKey,
  versionId,
} from '@tidemark/proof';
import { IdentityKey, LogKey } from '../../src/keys.ts';
import { get, type Json } from '../http/client.ts';
import { pinsOf } from '../http/server.ts';

const sha256 = (data: Uint8Array): Uint8Array => hash('sha256', data, 'buffer');

export class AlteredLog {
  leaves: Json[];
  /** Without one, none is served. */
  through: Record<string, number> | undefined;
  /** Answers in place of what would be served, by path after `/log/STREAM/`. */
  readonly instead = new Map<string, Uint8Array | string | undefined>();
  /** Paths that have been asked for. */
  readonly asked: string[] = [];
  readonly stream: string;
  readonly origin: string;
  /** Signs checkpoints, and control leaves. */
  key: { public: VerifierKey; secret: LogKey };
  /** Where the newest packet begins. */
  start = 0;
  readonly #identity: IdentityKey;
  readonly #manifest: Json;
  #server: Server | undefined;

  private constructor(stream: string, dataDir: string, leaves: Json[], manifest: Json) {
    this.stream = stream;
    this.leaves = leaves;
    const secret = new LogKey(secretIn(dataDir, 'log.key'));
    this.key = { public: parseVerifierKey(pinsOf(dataDir, stream).logKey), secret };
    this.origin = this.key.public.name;
    this.#identity = new IdentityKey(secretIn(dataDir, 'identity.key'));
    this.#manifest = manifest;
    this.through = manifest.content.log.through;
  }

  /** A faithful copy, to begin with. */
  static async of(url: string, stream: string, dataDir: string): Promise<AlteredLog> {
    const { size } = parseCheckpoint((await get(url, `/log/${stream}/checkpoint`)).text);
    const leaves: Json[] = [];
    for (let index = 0; index * 256 < size; index++) {
      const width = Math.min(256, size - index * 256);
      const name = `${String(index).padStart(3, '0')}${width === 256 ? '' : `.p/${width}`}`;
      const response = await fetch(new URL(`/log/${stream}/tile/entries/${name}`, url));
      const entries = decodeEntries(new Uint8Array(await response.arrayBuffer()));
      leaves.push(...entries.map((entry) => JSON.parse(new TextDecoder().decode(entry))));
    }
    const { body } = await get(url, `/log/${stream}/manifest?size=${size}`);
    return new AlteredLog(stream, dataDir, leaves, body.manifest);
  }

  /** A control leaf that the log's key in force has signed. */
  control(action: string, data: object): Json {
    const unsigned = { v: 1, kind: 'control', stream: this.stream, action, data } as const;
    return { ...unsigned, signature: toBase64(this.key.secret.sign(utf8(controlText(unsigned)))) };
  }

  /** A key that could take over. */
  newKey(seed: number): { public: VerifierKey; secret: LogKey; text: string } {
    const secret = new LogKey(new Uint8Array(32).fill(seed));
    const made = verifierKey(this.origin, secret.publicKey);
    return { public: made, secret, text: formatVerifierKey(made) };
  }

  async listen(): Promise<URL> {
    this.#server = createServer((request, response) => {
      const path = (request.url ?? '').slice(1);
      this.asked.push(path);
      const body = this.#answer(path);
      response.writeHead(body === undefined ? 404 : 200).end(body);
    });
    await new Promise<void>((resolve) => this.#server!.listen(0, '127.0.0.1', resolve));
    return this.url;
  }

  /** Once it listens. */
  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.#server!.address() as AddressInfo).port}/`);
  }

  close(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  get checkpoint(): string {
    const { public: key, secret } = this.key;
    const { root } = this;
    return signCheckpoint({ origin: this.origin, size: this.leaves.length, root }, key, (text) => secret.sign(text));
  }

  get root(): string {
    return toHex(rootOf(this.leaves.length, this.#nodes()));
  }

  #answer(path: string): Uint8Array | string | undefined {
    if (path === 'log') return JSON.stringify({ items: [{ stream: this.stream }] });
    const name = path.slice(`log/${this.stream}/`.length);
    if (this.instead.has(name)) return this.instead.get(name);
    if (name === 'checkpoint') return this.checkpoint;
    if (name === `manifest?size=${this.leaves.length}`) return this.#signedManifest();
    return name.startsWith('tile/') ? this.#tile(name.slice('tile/'.length)) : undefined;
  }

  #signedManifest(): string | undefined {
    if (this.through === undefined) return undefined;
    const { signatures: _, ...manifest } = structuredClone(this.#manifest);
    const [end, root] = [this.leaves.length, this.root];
    Object.assign(manifest.content.log, { start: this.start, end, root, through: this.through });
    const signature = toHex(this.#identity.sign(fromHex(versionId(manifest as Manifest))));
    const signed = { ...manifest, signatures: { producer: { publicKey: this.#identity.publicKey, signature } } };
    return JSON.stringify({ manifest: signed });
  }

  #tile(text: string): Uint8Array | undefined {
    const { level, index, width } = parseTilePath(text);
    if (index * 256 + width > hashesAt(level, this.leaves.length)) return undefined;
    const places = Array.from({ length: width }, (_, place) => index * 256 + place);
    if (level === 'entries') return encodeEntries(places.map((place) => utf8(canonicalize(this.leaves[place]))));
    const nodes = this.#nodes();
    return Buffer.concat(places.map((place) => nodes(8 * level, place)));
  }

  #nodes(): (level: number, index: number) => Uint8Array {
    const rows = [this.leaves.map((leaf) => leafHash(utf8(canonicalize(leaf)), sha256))];
    return (level, index) => {
      while (rows.length <= level) {
        const below = rows.at(-1) ?? [];
        const pairs = Math.floor(below.length / 2);
        rows.push(Array.from({ length: pairs }, (_, at) => nodeHash(below[2 * at]!, below[2 * at + 1]!, sha256)));
      }
      return rows[level]![index]!;
    };
  }
}

function secretIn(dataDir: string, file: string): Uint8Array {
  return Buffer.from(readFileSync(join(dataDir, file), 'utf8').trim(), 'hex');
}
