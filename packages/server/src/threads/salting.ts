/** What the journal's thread sees to before salted streams take events. */
import { openStreamKeys } from '../keys.ts';
import { StoreError } from '../store/errors.ts';
import type { SqliteJournal } from '../store/sqlite/journal.ts';
import type { StreamConfig } from '../stream.ts';

type Streams = readonly StreamConfig[];

/** As the keys of sources, before the first configuration that needs them is journaled. */
export function openSaltedStreamKeys(journal: SqliteJournal, dataDir: string, streams: Streams) {
  const salted = streams.filter(isSalted).map(({ id }) => id);
  return openStreamKeys(dataDir, salted, () => journal.configs().some(isSaltedText));
}

/** Events that have come have their ids and hashes already, and their payloads in packets or not. */
export function refuseChangedSalting(journal: SqliteJournal, streams: Streams): void {
  const tails = journal.streamTails();
  for (const stream of streams) {
    const { lastEvents = 0, config } = tails.get(stream.id) ?? {};
    if (lastEvents === 0 || config === undefined || isSaltedText(config) === isSalted(stream)) continue;
    throw new StoreError(
      'salting-changed',
      `the stream "${stream.id}" has events ${isSalted(stream) ? 'without' : 'with'} salts; declare a new stream, fed by new sources, for others`,
    );
  }
}

function isSaltedText(config: string): boolean {
  return isSalted(JSON.parse(config) as StreamConfig);
}

function isSalted({ salted }: StreamConfig): boolean {
  return salted === true;
}
