/** The read side of a data directory, on connections of its own. */

import type { Config } from './config.ts';
import { readHeaders } from './headers/open.ts';
import type { Instance } from './instance.ts';
import { CursorCodec } from './live/cursor.ts';
import { LedgerMessages } from './live/messages.ts';
import { AnchorStates } from './read/anchor-states.ts';
import { Decisions } from './read/decisions.ts';
import { EventReader } from './read/events.ts';
import { Evidence } from './read/evidence.ts';
import { FusedReader } from './read/fused.ts';
import { PacketLines } from './read/lines.ts';
import { LogFeed } from './read/log-feed.ts';
import { LogTiles } from './read/log-tiles.ts';
import { Moments } from './read/moments.ts';
import { Policies } from './read/policies.ts';
import { ProofBuilder } from './read/proofs.ts';
import { Quarantine } from './read/quarantine.ts';
import { Reconstruction } from './read/reconstruction.ts';
import { Rollups } from './read/rollups.ts';
import { SaltedPayloads } from './read/salted-payloads.ts';
import { PacketFiles } from './store/packets.ts';
import { SqliteJournalReader } from './store/sqlite/journal.ts';
import { SqliteLedgerReader } from './store/sqlite/ledger-reader.ts';

/** To be called once the writers have opened what is to be read. */
export function openReaders(config: Config, instance: Instance) {
  const { dataDir } = config;
  const journal = new SqliteJournalReader(dataDir);
  const ledger = new SqliteLedgerReader(dataDir);
  const headers = readHeaders(dataDir, config.anchor.mode === 'local', config.headers);
  const files = new PacketFiles(dataDir);
  const policies = new Policies(ledger);
  const lines = new PacketLines(ledger, files, new SaltedPayloads(journal, ledger, policies));
  const decisions = new Decisions(ledger);
  const reconstruction = new Reconstruction(journal, policies);
  const events = new EventReader({ journal, ledger, lines, decisions, reconstruction });
  const proofs = new ProofBuilder(ledger, headers);
  const quarantine = new Quarantine(journal, ledger, lines);
  return {
    ...{ journal, ledger, headers, events, decisions, reconstruction, proofs, quarantine },
    fused: new FusedReader(ledger, lines, decisions),
    evidence: new Evidence(ledger, decisions, quarantine),
    messages: new LedgerMessages(ledger, lines),
    rollups: new Rollups(ledger.rollups, files),
    codec: new CursorCodec(instance.id, ledger),
    logFeed: new LogFeed(ledger, events),
    anchorStates: new AnchorStates(ledger, headers),
    moments: new Moments(journal, ledger),
    logTiles: new LogTiles(ledger, files),
    cosignatures: (versionId: string) => ledger.cosignatures(versionId),
    close: () => {
      journal.close();
      ledger.close();
      headers?.close();
    },
  };
}
