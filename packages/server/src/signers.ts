/** What the node signs with its keys: those in force, and those before for what was journaled under them. */
import { formatVerifierKey, parseVerifierKey, signCheckpoint, type VerifierKey, verifierKey } from '@tidemark/proof';
import type { Signers } from './certify/stream-log.ts';
import { type IdentityKey, KeyError, type KeyName, type LogKey, type NodeKeys } from './keys.ts';
import type { StreamConfig } from './stream.ts';

/**
 * Refuses to go on without the keys that were in force: what is still to be sealed is signed with them, and so is the
 * leaf that names others in their place.
 * @throws KeyError `key-missing`
 */
export function requireKeys({ identities, logs }: Pick<NodeKeys, 'identities' | 'logs'>, config: StreamConfig): void {
  const { publisher, logKey, id } = config;
  const hint = (name: KeyName, publicHalf: string) =>
    `set the file back, or copy the former key to ${name}-${publicHalf.slice(0, 16)}.key in the data directory`;
  if (!identities.some(({ publicKey }) => publicKey === publisher)) {
    const what = `the log of the stream "${id}" was signed with the identity key ${publisher}, which is not here`;
    throw new KeyError('key-missing', `${what}: ${hint('identity', publisher)}`);
  }
  const { name, publicKey } = parseVerifierKey(logKey);
  if (!logs.some((log) => formatVerifierKey(verifierKey(name, log.publicKey)) === logKey)) {
    const what = `the log of the stream "${id}" was signed with the log key ${logKey}, which is not here`;
    throw new KeyError('key-missing', `${what}: ${hint('log', Buffer.from(publicKey).toString('hex'))}`);
  }
}

export function nodeSigners({ identities, logs }: Pick<NodeKeys, 'identities' | 'logs'>): Signers {
  return {
    version: (publisher, versionId) => identityOf(identities, publisher).sign(versionId).toString('hex'),
    checkpoint: (logKey, size, root) => {
      const { key, secret } = logKeyOf(logs, logKey);
      return signCheckpoint({ origin: key.name, size, root: root.toString('hex') }, key, (text) => secret.sign(text));
    },
    control: (logKey, text) => Buffer.from(logKeyOf(logs, logKey).secret.sign(Buffer.from(text))).toString('base64'),
  };
}

/** @throws KeyError `key-missing` when the private half is not this node's */
function identityOf(identities: readonly IdentityKey[], publisher: string): IdentityKey {
  const found = identities.find(({ publicKey }) => publicKey === publisher);
  if (found === undefined) throw new KeyError('key-missing', `the key of ${publisher} is not here: restore its file`);
  return found;
}

/** @throws KeyError `key-missing` */
function logKeyOf(logs: readonly LogKey[], logKey: string): { key: VerifierKey; secret: LogKey } {
  const key = parseVerifierKey(logKey);
  const secret = logs.find(({ publicKey }) => formatVerifierKey(verifierKey(key.name, publicKey)) === logKey);
  if (secret === undefined) throw new KeyError('key-missing', `the log key ${logKey} is not here: restore its file`);
  return { key, secret };
}
