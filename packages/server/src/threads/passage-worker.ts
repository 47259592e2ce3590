/** The pipeline's thread: from the journal to certified, anchored and visible. */
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { formatVerifierKey, parseVerifierKey, signCheckpoint, verifierKey } from '@tidemark/proof';
import { Anchorer } from '../anchor/anchor.ts';
import { LocalChain } from '../anchor/local-chain.ts';
import { Certifier } from '../certify/certifier.ts';
import type { Signers } from '../certify/stream-log.ts';
import type { SealedPacket } from '../event.ts';
import { KeyError, openKeys } from '../keys.ts';
import { Normalizer } from '../normalize/normalizer.ts';
import { Passage } from '../pipeline.ts';
import { StoreError } from '../store/errors.ts';
import { PacketFiles } from '../store/packets.ts';
import { SqliteJournalReader } from '../store/sqlite/journal.ts';
import { SqliteLedger } from '../store/sqlite/ledger.ts';
import { inWords } from './in-words.ts';
import type { FromPassage, PassageSetup, ToPassage } from './protocol.ts';

const RETRY_MS = 1000;

const setup = workerData as PassageSetup;
const port = parentPort!;
const keys = openKeys(setup.dataDir, false);
const journal = new SqliteJournalReader(setup.dataDir);
const ledger = new SqliteLedger(setup.dataDir);
const files = new PacketFiles(setup.dataDir);
const normalizer = new Normalizer();
const chain = setup.anchor.mode === 'local' ? new LocalChain(setup.dataDir, keys.identity, Date.now) : undefined;
const anchorer = chain && new Anchorer(ledger, chain);
const signers: Signers = {
  version: (publisher, versionId) => {
    if (publisher !== keys.identity.publicKey) throw new KeyError('key-missing', `the key of ${publisher} is not here`);
    return keys.identity.sign(versionId).toString('hex');
  },
  checkpoint: (logKey, size, root) => {
    const key = parseVerifierKey(logKey);
    const { name: origin } = key;
    if (formatVerifierKey(verifierKey(origin, keys.log.publicKey)) !== logKey) {
      throw new KeyError('key-missing', `the log key ${logKey} is not here`);
    }
    return signCheckpoint({ origin, size, root: root.toString('hex') }, key, (message) => keys.log.sign(message));
  },
};

let passage = reopen();
let closing = false;
let working = false;
/** The journal may have grown since the work that is under way last looked. */
let woken = false;
let anchoring: Promise<void> | undefined;

port.on('message', (message: ToPassage) => {
  if (message.kind === 'close') {
    closing = true;
    passage.stop();
  }
  woken = true;
  if (!working) void work();
});
const anchorTimer = anchorer && setInterval(startAnchoring, setup.anchor.intervalMs);
publish([]);
say({ kind: 'ready' });

/** Works until the journal has no more; what fails is tried again from the last commit. */
async function work(): Promise<void> {
  working = true;
  for (let again = true; again && !closing; ) {
    woken = false;
    const done = await tryOnce();
    again = woken || !done;
  }
  working = false;
  if (closing) await close();
}

async function tryOnce(): Promise<boolean> {
  try {
    await passage.run();
    return true;
  } catch (error) {
    say({ kind: 'trouble', message: inWords(error) });
    passage.abandon();
    await delay(RETRY_MS);
    passage = reopen();
    return false;
  }
}

function startAnchoring(): void {
  if (closing) return;
  anchoring ??= passage
    .anchor()
    .catch((error: unknown) => say({ kind: 'trouble', message: inWords(error) }))
    .finally(() => {
      anchoring = undefined;
    });
}

/** As after a crash: whatever the last commit does not hold is derived from the journal again. */
function reopen(): Passage {
  if (ledger.cursor() > journal.head() + 1) {
    throw new StoreError('damaged', 'the ledger is ahead of the journal: journal.db is not the one that belongs here');
  }
  files.prepare();
  const certifier = new Certifier(ledger, files, signers);
  return new Passage({ journal, normalizer, certifier, anchorer, publish }, ledger.cursor());
}

function publish(sealed: readonly SealedPacket[]): void {
  const now = Date.now();
  const latenciesMs = sealed.map(({ oldestArrival }) => now - oldestArrival);
  say({ kind: 'progress', progress: { ledgerHead: ledger.head(), cursor: ledger.cursor(), latenciesMs } });
}

async function close(): Promise<void> {
  clearInterval(anchorTimer);
  await anchoring;
  journal.close();
  ledger.close();
  chain?.close();
  port.close();
}

function say(message: FromPassage): void {
  port.postMessage(message);
}
