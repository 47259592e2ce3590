/** The pipeline's thread: from the journal to certified, anchored and visible. */
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Anchoring } from '../anchor/open.ts';
import { Certifier } from '../certify/certifier.ts';
import { RollupMaker } from '../certify/rollup-maker.ts';
import type { SealedPacket } from '../event.ts';
import { Ordering } from '../fuse/ordering.ts';
import { followHeaders } from '../headers/open.ts';
import { openKeys } from '../keys.ts';
import { Normalizer } from '../normalize/normalizer.ts';
import { Passage } from '../pipeline.ts';
import { recallFrom } from '../recall.ts';
import { nodeSigners, requireKeys } from '../signers.ts';
import { StoreError } from '../store/errors.ts';
import { PacketFiles } from '../store/packets.ts';
import { SqliteJournalReader } from '../store/sqlite/journal.ts';
import { SqliteLedger } from '../store/sqlite/ledger.ts';
import type { StreamConfig } from '../stream.ts';
import { Cosigner } from '../witness/cosigner.ts';
import { inWords } from './in-words.ts';
import type { FromPassage, OutsideTroubles, PassageSetup, ToPassage } from './protocol.ts';

const RETRY_MS = 1000;

const setup = workerData as PassageSetup;
const port = parentPort!;
const keys = openKeys(setup.dataDir, false, setup.keyFiles);
const journal = new SqliteJournalReader(setup.dataDir);
const ledger = new SqliteLedger(setup.dataDir);
const files = new PacketFiles(setup.dataDir);
const normalizer = new Normalizer();
const followed = setup.headers && followHeaders(setup.dataDir, setup.headers, startAnchoring);
const anchors = new Anchoring(setup.anchor, {
  ...{ dataDir: setup.dataDir, ledger, headers: followed?.headers, identity: keys.identity },
  publicUrl: setup.publicUrl,
});
const cosigner = setup.witnesses.length === 0 ? undefined : new Cosigner(ledger, setup.witnesses, () => publish([]));
for (const { config } of ledger.streams()) requireKeys(keys, JSON.parse(config) as StreamConfig);
const signers = nodeSigners(keys);

let passage = reopen();
let closing = false;
let working = false;
/** The journal may have grown since the work that is under way last looked. */
let woken = false;
let anchoring: Promise<void> | undefined;
let rolling: Promise<void> | undefined;
/** What the readers were last told of others' troubles. */
let toldTroubles = '';
/** Rollups may have come due since they were last looked for. */
let rollupsWanted = false;

port.on('message', (message: ToPassage) => {
  switch (message.kind) {
    case 'anchored':
      takeEvidence(message.versionId, message.envelope);
      return;
    case 'callback':
      if (anchors.callback(message.body, message.token)) startAnchoring();
      return;
    case 'retry':
      if (anchors.retry(message.versionId)) startAnchoring();
      return;
    case 'close':
      closing = true;
      passage.stop();
      anchors.stop();
  }
  woken = true;
  if (!working) void work();
});
const anchorTimer = (anchors.anchorer ?? cosigner ?? followed) && setInterval(startAnchoring, setup.anchor.intervalMs);
publish([]);
say({ kind: 'ready' });
startRolling();

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
    startRolling();
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
  // Anchoring does not wait for witnesses, who may be slow.
  cosigner?.run();
  anchoring ??= passage
    .anchor()
    .catch((error: unknown) => say({ kind: 'trouble', message: inWords(error) }))
    .finally(() => {
      anchoring = undefined;
      if (JSON.stringify(troubles()) !== toldTroubles) publish([]);
    });
}

function takeEvidence(versionId: string, envelope: unknown): void {
  try {
    anchors.accept(versionId, envelope);
    publish([]);
  } catch (error) {
    say({ kind: 'trouble', message: inWords(error) });
  }
}

function startRolling(): void {
  rollupsWanted = true;
  rolling ??= roll();
}

async function roll(): Promise<void> {
  while (rollupsWanted && !closing) {
    rollupsWanted = false;
    try {
      await passage.rollUp();
    } catch (error) {
      say({ kind: 'trouble', message: inWords(error) });
      rollupsWanted = true;
      await delay(RETRY_MS);
    }
  }
  rolling = undefined;
}

/** As after a crash: whatever the last commit does not hold is derived from the journal again. */
function reopen(): Passage {
  if (ledger.cursor() > journal.head() + 1) {
    throw new StoreError('damaged', 'the ledger is ahead of the journal: journal.db is not the one that belongs here');
  }
  files.prepare();
  const certifier = new Certifier(ledger, files, signers);
  const ordering = new Ordering(ledger.stages(), recallFrom(journal, normalizer));
  const rollups = new RollupMaker(ledger, files, signers.version);
  return new Passage(
    { journal, normalizer, ordering, certifier, anchorer: anchors.anchorer, rollups, publish },
    ledger.cursor(),
  );
}

function troubles(): OutsideTroubles {
  return { anchoring: anchors.trouble, headers: followed?.troubles() ?? [], witnesses: cosigner?.troubles ?? [] };
}

function publish(sealed: readonly SealedPacket[]): void {
  const now = Date.now();
  const latenciesMs = sealed.map(({ oldestArrival }) => now - oldestArrival);
  const { reached, held } = passage;
  const outside = troubles();
  toldTroubles = JSON.stringify(outside);
  say({ kind: 'progress', progress: { ledgerHead: ledger.head(), reached, held, troubles: outside, latenciesMs } });
}

async function close(): Promise<void> {
  clearInterval(anchorTimer);
  await Promise.all([anchoring, cosigner?.stop(), rolling, followed?.close()]);
  journal.close();
  ledger.close();
  anchors.close();
  port.close();
}

function say(message: FromPassage): void {
  port.postMessage(message);
}
