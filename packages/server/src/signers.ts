/** What the node signs with its keys: those in force, and those before for what was journaled under them. */
import { formatVerifierKey, parseVerifierKey, signCheckpoint, type VerifierKey, verifierKey } from '@tidemark/proof';
import type { Signers } from './certify/stream-log.ts';
import { type IdentityKey, KeyError, type LogKey, type NodeKeys } from './keys.ts';

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
