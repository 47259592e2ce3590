/** What a salted stream cannot be besides. */
import type { Source, Stream } from '../stream.ts';
import { ConfigError } from './settings.ts';

/**
 * What fuses, aggregates or compares events keeps of one what is in others, beyond the reach of an erasure: audit
 * entries, aggregates, the state of a stage. So a salted stream passes its events straight on.
 * @param sources that feed the stream
 */
export function refuseUnerasable(stream: Stream, sources: readonly Source[], where: string): void {
  if (stream.salted !== true) return;
  const keeping = keepsOf(stream) ?? sources.flatMap((source) => comparesIn(source) ?? [])[0];
  if (keeping === undefined) return;
  throw new ConfigError(
    'settings-contradict',
    `${where}: a salted stream cannot have ${keeping}, which would keep what is to be erased`,
  );
}

function keepsOf({ fusion, publish, rollup }: Stream): string | undefined {
  if (fusion !== undefined) return '"fusion" (null opts out of FUSION_POLICY_JSON)';
  if (rollup !== undefined) return '"rollup"';
  return publish.windowMs === undefined ? undefined : '"publish.windowMs"';
}

function comparesIn({ id, policy }: Source): string | undefined {
  return policy.constraints?.monotonicFields === undefined ? undefined : `"monotonicFields", as its source "${id}" has`;
}
