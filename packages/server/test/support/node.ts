/** A node's keys and streams, the same in every run. */
import { formatVerifierKey, signCheckpoint, verifierKey } from '@tidemark/proof';
import type { Signers } from '../../src/certify/stream-log.ts';
import { IdentityKey, LogKey } from '../../src/keys.ts';
import type { MappingPolicy } from '../../src/normalize/policy.ts';
import { PUBLISH_DEFAULTS, type Source, type StreamConfig } from '../../src/stream.ts';

export const IDENTITY = new IdentityKey(Buffer.alloc(32, 7));
export const LOG = new LogKey(Buffer.alloc(32, 9));

export const SIGNERS: Signers = {
  version: (_publisher, versionId) => IDENTITY.sign(versionId).toString('hex'),
  checkpoint: (logKey, size, root) => {
    // The golden packet names a key that is none.
    const [origin = ''] = logKey.split('+');
    const key = verifierKey(origin, LOG.publicKey);
    return signCheckpoint({ origin, size, root: root.toString('hex') }, key, (message) => LOG.sign(message));
  },
  control: (_logKey, text) => Buffer.from(LOG.sign(Buffer.from(text))).toString('base64'),
};

export function sourceOf(id: string, changes: Partial<Source> = {}): Source {
  return { id, stream: id, auth: 'none', enabled: true, dedup: 'id', trust: 1, policy: {}, ...changes };
}

/** @param maxEvents leaves at which the stream's packets are sealed */
export function streamConfig(
  id: string,
  sources: Record<string, MappingPolicy>,
  maxEvents = PUBLISH_DEFAULTS.live.maxEvents,
): StreamConfig {
  const origin = `node.example/${id}`;
  return {
    id,
    datasetId: id,
    publish: { ...PUBLISH_DEFAULTS.live, maxEvents },
    policy: { license: 'cc-by-4.0', classification: 'public' },
    origin,
    publisher: IDENTITY.publicKey,
    logKey: formatVerifierKey(verifierKey(origin, LOG.publicKey)),
    sources,
  };
}
