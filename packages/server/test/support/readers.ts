/** The read side over a data directory, as the server puts it together. */
import { Decisions } from '../../src/read/decisions.ts';
import { EventReader } from '../../src/read/events.ts';
import { Evidence } from '../../src/read/evidence.ts';
import { FusedReader } from '../../src/read/fused.ts';
import { PacketLines } from '../../src/read/lines.ts';
import { LogFeed } from '../../src/read/log-feed.ts';
import { Policies } from '../../src/read/policies.ts';
import { Quarantine } from '../../src/read/quarantine.ts';
import { Reconstruction } from '../../src/read/reconstruction.ts';
import { SaltedPayloads } from '../../src/read/salted-payloads.ts';
import { PacketFiles } from '../../src/store/packets.ts';
import { SqliteJournalReader } from '../../src/store/sqlite/journal.ts';
import { SqliteLedgerReader } from '../../src/store/sqlite/ledger-reader.ts';

export type Readers = ReturnType<typeof openReaders>;

/** The lines of a directory's packets. */
export function linesOf(dir: string, journal: SqliteJournalReader, ledger: SqliteLedgerReader): PacketLines {
  return new PacketLines(ledger, new PacketFiles(dir), new SaltedPayloads(journal, ledger, new Policies(ledger)));
}

export function openReaders(dir: string) {
  const journal = new SqliteJournalReader(dir);
  const ledger = new SqliteLedgerReader(dir);
  const lines = linesOf(dir, journal, ledger);
  const decisions = new Decisions(ledger);
  const reconstruction = new Reconstruction(journal, new Policies(ledger));
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
