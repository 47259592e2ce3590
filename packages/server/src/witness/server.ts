/** A witness over HTTP. */
import { mkdirSync } from 'node:fs';
import { formatVerifierKey, ProofError, parseVerifierKey, type VerifierKey, verifierKey } from '@tidemark/proof';
import Fastify, { type FastifyInstance } from 'fastify';
import { lockDirectory } from '../store/sqlite/database.ts';
import { WitnessError } from './errors.ts';
import { CosignedStore, openWitnessKey } from './store.ts';
import { Witness } from './witness.ts';

export interface WitnessSettings {
  dataDir: string;
  /** C2SP verifier keys of logs; the name of each is its log's origin. */
  logs: readonly string[];
  /** Of its key; without one, after the key itself. */
  name: string | undefined;
  host: string;
  port: number;
}

export interface RunningWitness {
  url: string;
  /** C2SP verifier key, by which its cosignatures are checked. */
  key: string;
  close(): Promise<void>;
}

/** A note of 64 KiB and the longest proof. */
const MAX_BODY_BYTES = 72 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
/** How long requests that are under way may take when it stops. */
const CLOSING_MS = 2000;

/** @throws WitnessError, KeyError, StoreError `in-use`, and whatever keeps the port from being bound */
export async function startWitness(settings: WitnessSettings): Promise<RunningWitness> {
  const { dataDir, host, port } = settings;
  const logs = byOrigin(settings.logs);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  // Two at work in one directory would cosign what contradicts.
  const lock = lockDirectory(dataDir);
  try {
    const secret = openWitnessKey(dataDir);
    const key = witnessKey(settings.name, secret.publicKey);
    const store = new CosignedStore(dataDir, logs.keys());
    const witness = new Witness({ key, sign: (text) => secret.sign(text), logs, store, now: Date.now });
    const server = routes(witness, formatVerifierKey(key));
    const url = await server.listen({ host, port });
    const close = async () => {
      const impatient = setTimeout(() => server.server.closeAllConnections(), CLOSING_MS);
      await server.close().finally(() => lock.release());
      clearTimeout(impatient);
    };
    return { url, key: formatVerifierKey(key), close };
  } catch (cause) {
    lock.release();
    throw cause;
  }
}

function routes(witness: Witness, key: string): FastifyInstance {
  const server = Fastify({
    requestTimeout: REQUEST_TIMEOUT_MS,
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: 'idle',
  });
  server.removeAllContentTypeParsers();
  // tlog-witness names no media type for the body, so any will do, and none.
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  server.get('/', async () => ({ witness: key, logs: witness.logs }));
  server.post('/add-checkpoint', async (request, reply) => {
    const { status, type, body } = witness.addCheckpoint(typeof request.body === 'string' ? request.body : '');
    return reply.code(status).header('content-type', type).send(body);
  });
  return server;
}

/** Several keys of one name are keys of one log, as when one has taken another's place. */
function byOrigin(texts: readonly string[]): Map<string, VerifierKey[]> {
  const logs = new Map<string, VerifierKey[]>();
  for (const text of texts) {
    const key = logKeyOf(text);
    logs.set(key.name, [...(logs.get(key.name) ?? []), key]);
  }
  return logs;
}

function logKeyOf(text: string): VerifierKey {
  try {
    const key = parseVerifierKey(text);
    if (key.type === 'log') return key;
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
  }
  throw new WitnessError('name-unusable', `a log is given as its verifier key, name+hash+key, not as ${text}`);
}

function witnessKey(name: string | undefined, publicKey: Uint8Array): VerifierKey {
  const own = name ?? `witness-${Buffer.from(publicKey.subarray(0, 4)).toString('hex')}`;
  try {
    return verifierKey(own, publicKey, 'witness');
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    throw new WitnessError('name-unusable', `a witness's name has no blanks and no plus signs: ${own}`, { cause });
  }
}
