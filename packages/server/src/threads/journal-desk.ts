/** Opens the journal with all that goes with it: the index, the known versions, the clock of cuts. */
import { join } from 'node:path';
import { canonicalize } from '@tidemark/proof';
import type { SourceAuth } from '../intake/auth.ts';
import { CutClock } from '../intake/cut-clock.ts';
import { Intake } from '../intake/intake.ts';
import { hashesFields } from '../intake/redaction.ts';
import type { timingOf } from '../intake/timing.ts';
import { Versions } from '../intake/versions.ts';
import { type NodeKeys, openHashKeys } from '../keys.ts';
import { Arrivals } from '../pipeline.ts';
import { requireKeys } from '../signers.ts';
import { StoreError } from '../store/errors.ts';
import { FingerprintIndex } from '../store/fingerprints/index.ts';
import { type ConfigEntry, itemsOf } from '../store/journal.ts';
import { SqliteJournal } from '../store/sqlite/journal.ts';
import type { Source, StreamConfig } from '../stream.ts';
import type { JournalSetup } from './protocol.ts';
import { openSaltedStreamKeys, refuseChangedSalting } from './salting.ts';

/** Raw bytes read at a time when the index catches up with the journal. */
const CATCH_UP_BYTES = 16 * 1024 * 1024;

export interface DeskOptions {
  setup: JournalSetup;
  auth: SourceAuth;
  keys: NodeKeys;
  timings: ReadonlyMap<string, ReturnType<typeof timingOf>>;
  troubled: (message: string) => void;
}

/** The journal and all that goes with it. */
export interface Desk {
  journal: SqliteJournal;
  index: FingerprintIndex;
  versions: Versions;
  cuts: CutClock;
  arrivals: Arrivals;
}

/**
 * As after a crash: whatever is in memory is made from what is on disk.
 * @param troubled told, in words, of what was mended
 * @throws StoreError, KeyError, and whatever the disk says
 */
export function openDesk({ setup, auth, keys, timings, troubled }: DeskOptions): Desk {
  const journal = new SqliteJournal(setup.dataDir);
  try {
    const index = openIndex(journal, setup.dataDir, troubled);
    const versions = new Versions(index, journal);
    const cuts = new CutClock(timings);
    const { dataDir, sources, streams, limits } = setup;
    const hashKeys = openSourceHashKeys(journal, setup);
    const streamKeys = openSaltedStreamKeys(journal, dataDir, streams);
    const isOpenBatch = (tag: string, stream: string) => journal.openBatch(stream)?.batch === tag;
    const intake = new Intake({ sources, auth, hashKeys, streamKeys, index, versions, isOpenBatch, limits });
    refuseMovedSources(journal, sources);
    refuseChangedSalting(journal, streams);
    journalConfigs(journal, cuts, { setup, keys, timings });
    return { journal, index, versions, cuts, arrivals: new Arrivals({ intake, journal, cuts, index }) };
  } catch (cause) {
    journal.close();
    throw cause;
  }
}

/** Opens the index and adds what the journal has beyond it, as after every start. */
function openIndex(journal: SqliteJournal, dataDir: string, troubled: DeskOptions['troubled']): FingerprintIndex {
  const index = FingerprintIndex.open(join(dataDir, 'fingerprints'), journal.next - 1);
  const { damage } = index;
  if (damage !== undefined) troubled(`index rebuilt: ${damage.file} ${damage.what}`);
  for (let next = index.through + 1; next < journal.next; ) {
    for (const entry of journal.read(next, CATCH_UP_BYTES)) {
      if (entry.kind === 'events') {
        const { first, events } = entry;
        for (let place = Math.max(0, next - first); place < events.count; place++) {
          index.add(events.fingerprintHigh(place), events.fingerprintLow(place), first + place);
        }
      }
      next = entry.first + itemsOf(entry);
    }
    index.maintain();
  }
  return index;
}

/** Before the first configuration that needs them is journaled, so that whoever finds one knows that keys were there. */
function openSourceHashKeys(journal: SqliteJournal, { dataDir, sources }: JournalSetup): Map<string, Uint8Array> {
  const hashing = sources.filter(({ policy }) => hashesFields(policy)).map(({ id }) => id);
  return openHashKeys(dataDir, hashing, () =>
    journal.configs().some((config) => {
      const { sources: policies } = JSON.parse(config) as StreamConfig;
      return Object.values(policies).some(hashesFields);
    }),
  );
}

/** A source's events are counted in the log of one stream; elsewhere the count would have a gap that nothing explains. */
function refuseMovedSources(journal: SqliteJournal, sources: readonly Source[]): void {
  const fed = journal.sourceStreams();
  for (const { id, stream } of sources) {
    const before = fed.get(id);
    if (before === undefined || before === stream) continue;
    throw new StoreError(
      'source-moved',
      `the source "${id}" feeds the stream "${before}"; declare a new source to feed "${stream}"`,
    );
  }
}

/** Journals each stream's configuration where it is new, and remembers which streams have events waiting for a cut. */
function journalConfigs(
  journal: SqliteJournal,
  cuts: CutClock,
  { setup, keys, timings }: Pick<DeskOptions, 'setup' | 'keys' | 'timings'>,
): void {
  const tails = journal.streamTails();
  const now = Date.now();
  const changed: ConfigEntry[] = [];
  for (const stream of setup.streams) {
    const config = canonicalize(stream);
    const before = tails.get(stream.id)?.config;
    if (before === config) continue;
    // That it changes is signed with the former keys.
    if (before !== undefined) requireKeys(keys, JSON.parse(before) as StreamConfig);
    changed.push({ kind: 'config', first: journal.next + changed.length, stream: stream.id, at: now, config });
  }
  if (changed.length > 0) journal.append(changed);
  for (const [stream, { lastEvents, lastCut }] of tails) {
    // Whether a stream holds events, the pipeline knows; after a start, the clock looks in on all that could.
    const holds = lastEvents > 0 && (timings.get(stream)?.wakeMs.length ?? 0) > 0;
    if (lastEvents > lastCut || holds) cuts.waits(stream, holds ? now : 0);
  }
}
