/** What a log says when its configuration changes. */
import { canonicalize } from '@tidemark/proof';
import type { ChangeRecord, ConfigChange, Position } from '../event.ts';
import type { StreamConfig } from '../stream.ts';
import { configHash } from './manifest.ts';

/** @param cause position of the new configuration in the journal */
export function changeRecord(before: StreamConfig, after: StreamConfig, cause: Position): ChangeRecord {
  const changed = changedMembers(before, after);
  const data: ConfigChange = { config: configHash(after), changed };
  if (before.logKey !== after.logKey) data.logKey = after.logKey;
  if (before.publisher !== after.publisher) data.publisher = after.publisher;
  const rotated = data.logKey !== undefined || data.publisher !== undefined;
  return { kind: 'control', cause, action: rotated ? 'key-rotated' : 'policy-changed', data };
}

function changedMembers(before: StreamConfig, after: StreamConfig): string[] {
  const texts = [before, after].map(
    (config) => new Map(Object.entries(config).map(([name, value]) => [name, canonicalize(value)])),
  );
  const names = new Set(texts.flatMap((members) => [...members.keys()]));
  return [...names].filter((name) => texts[0]?.get(name) !== texts[1]?.get(name)).sort();
}
