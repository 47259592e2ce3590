/** The read side over a data directory, as the server puts it together. */
import { Decisions } from '../../src/read/decisions.ts';
import { EventReader } from '../../src/read/events.ts';
import { Evidence } from '../../src/read/evidence.ts';
import { FusedReader } from '../../src/read/fused.ts';
import { PacketLines } from '../../src/read/lines.ts';
import { LogFeed } from '../../src/read/log-feed.ts';
import { Quarantine } from '../../src/read/quarantine.ts';
import { Reconstruction } from '../../src/read/reconstruction.ts';
import { PacketFiles } from '../../src/store/packets.ts';
import { SqliteJournalReader } from '../../src/store/sqlite/journal.ts';
import { SqliteLedgerReader } from '../../src/store/sqlite/ledger-reader.ts';

export type Readers = ReturnType<typeof openReaders>;

export function openReaders(dir: string) {
  const journal = new SqliteJournalReader(dir);
  const ledger = new SqliteLedgerReader(dir);
  const lines = new PacketLines(ledger, new PacketFiles(dir));
  const decisions = new Decisions(ledger);
  const reconstruction = new Reconstruction(journal, ledger);
  const events = new EventReader({ journal, ledger, lines, decisions, reconstruction });
  return {
    ...{ ledger, decisions, reconstruction, events },
    evidence: new Evidence(ledger, decisions, new Quarantine(journal, ledger, lines)),
    fused: new FusedReader(ledger, lines, decisions),
    feed: new LogFeed(ledger, events),
    close: () => {
      journal.close();
      ledger.close();
    },
  };
}
