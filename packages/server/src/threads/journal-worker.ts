/** The journal's thread: the single writer that numbers events. Everything that waits is taken with one commit. */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { canonicalize } from '@tidemark/proof';
import { SourceAuth } from '../intake/auth.ts';
import { CutClock } from '../intake/cut-clock.ts';
import { IntakeError } from '../intake/errors.ts';
import { type Delivery, type Draft, Intake } from '../intake/intake.ts';
import { Versions } from '../intake/versions.ts';
import { Arrivals } from '../pipeline.ts';
import { FingerprintIndex } from '../store/fingerprints/index.ts';
import { type ConfigEntry, itemsOf } from '../store/journal.ts';
import { SqliteJournal } from '../store/sqlite/journal.ts';
import type { StreamConfig } from '../stream.ts';
import type { Answer, FromJournal, JournalSetup, ToJournal, WireDelivery } from './protocol.ts';

/** Bodies taken with one commit; what goes beyond waits for the next. */
const GROUP_BYTES = 8 * 1024 * 1024;
/** Raw bytes read at a time when the index catches up with the journal. */
const CATCH_UP_BYTES = 16 * 1024 * 1024;
/** A stream that is no longer declared, but has events waiting, is cut at once. */
const NO_WAIT_MS = 0;

const setup = workerData as JournalSetup;
const port = parentPort!;
const journal = new SqliteJournal(setup.dataDir);
const index = openIndex();
const versions = new Versions(index, journal);
const ages = new Map(setup.streams.map((stream) => [stream.id, stream.publish.maxAgeMs]));
const cuts = new CutClock((stream) => ages.get(stream) ?? NO_WAIT_MS);
const intake = new Intake({
  sources: setup.sources,
  auth: new SourceAuth(setup.secrets),
  index,
  versions,
  limits: setup.limits,
});

journalConfigs();
const arrivals = new Arrivals({ intake, journal, index, cuts });
const queue: { id: number; delivery: Delivery }[] = [];
let turn: NodeJS.Immediate | undefined;
let cutTimer: NodeJS.Timeout | undefined;
let announced = 0;

port.on('message', (message: ToJournal) => {
  switch (message.kind) {
    case 'deliver':
      for (const wire of message.deliveries) queue.push({ id: wire.id, delivery: toDelivery(wire, message.bytes) });
      scheduleTurn();
      return;
    case 'find':
      say({ kind: 'found', id: message.id, positions: versions.find(message.eventId) });
      return;
    case 'close':
      close();
      return;
  }
});
takeTurn();
say({ kind: 'ready' });

/** A turn of the event loop later, so that all that has arrived by then shares the commit. */
function scheduleTurn(): void {
  turn ??= setImmediate(takeTurn);
}

function takeTurn(): void {
  turn = undefined;
  const group = takeGroup();
  const answers = commit(group.map(({ delivery }) => delivery));
  if (group.length > 0) {
    say({ kind: 'answers', answers: group.map(({ id }, place) => ({ id, answer: answers[place]! })) });
  }
  announceHead();
  if (queue.length > 0) scheduleTurn();
  scheduleCut();
}

function commit(deliveries: Delivery[]): Answer[] {
  try {
    const outcomes = arrivals.accept(deliveries, Date.now());
    for (const outcome of outcomes) if (isDefect(outcome)) say({ kind: 'trouble', message: describe(outcome) });
    return outcomes.map(toAnswer);
  } catch (error) {
    say({ kind: 'trouble', message: describe(error) });
    const refusal = new IntakeError('storage-unavailable', 'nothing of this was stored; send it again later');
    return deliveries.map(() => toAnswer(refusal));
  }
}

function takeGroup(): typeof queue {
  let bytes = 0;
  let count = 0;
  while (count < queue.length && (count === 0 || bytes < GROUP_BYTES)) bytes += queue[count++]!.delivery.body.length;
  return queue.splice(0, count);
}

function scheduleCut(): void {
  clearTimeout(cutTimer);
  const next = cuts.nextAt();
  if (next !== undefined) cutTimer = setTimeout(scheduleTurn, Math.max(1, next - Date.now()));
}

function announceHead(): void {
  const head = journal.next - 1;
  if (head === announced) return;
  announced = head;
  say({ kind: 'head', head });
}

/** Opens the index and adds what the journal has beyond it, as after every start. */
function openIndex(): FingerprintIndex {
  const opened = FingerprintIndex.open(join(setup.dataDir, 'fingerprints'), journal.next - 1);
  for (let next = opened.through + 1; next < journal.next; ) {
    for (const entry of journal.read(next, CATCH_UP_BYTES)) {
      if (entry.kind === 'events') {
        const { first, events } = entry;
        for (let place = Math.max(0, next - first); place < events.count; place++) {
          opened.add(events.fingerprintHigh(place), events.fingerprintLow(place), first + place);
        }
      }
      next = entry.first + itemsOf(entry);
    }
    opened.maintain();
  }
  return opened;
}

/** Journals each stream's configuration where it is new, and remembers which streams have events waiting for a cut. */
function journalConfigs(): void {
  const tails = journal.streamTails();
  const now = Date.now();
  const changed: ConfigEntry[] = [];
  for (const stream of setup.streams) {
    const config = canonicalize(stream satisfies StreamConfig);
    if (tails.get(stream.id)?.config === config) continue;
    changed.push({ kind: 'config', first: journal.next + changed.length, stream: stream.id, at: now, config });
  }
  if (changed.length > 0) journal.append(changed);
  for (const [stream, { lastEvents, lastCut }] of tails) if (lastEvents > lastCut) cuts.waits(stream, 0);
}

function toDelivery({ start, end, ...delivery }: WireDelivery, bytes: Uint8Array): Delivery {
  return { ...delivery, body: Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start) };
}

function toAnswer(outcome: Draft | IntakeError): Answer {
  if (outcome instanceof IntakeError) {
    const { code, status, hint, rejected } = outcome;
    return { ok: false, code, status, hint, rejected };
  }
  const { sourceId, eventIds, duplicates, rejected } = outcome;
  const inserted = eventIds.length === 0 ? '[]' : `["${eventIds.join('","')}"]`;
  return { ok: true, sourceId, inserted, count: eventIds.length, duplicates, rejected };
}

function isDefect(outcome: Draft | IntakeError): outcome is IntakeError {
  return outcome instanceof IntakeError && outcome.code === 'internal-error';
}

function close(): void {
  while (queue.length > 0) takeTurn();
  clearTimeout(cutTimer);
  clearImmediate(turn);
  index.close();
  journal.close();
  port.close();
}

function say(message: FromJournal): void {
  port.postMessage(message);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`;
}
