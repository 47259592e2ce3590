/** The journal's thread: the single writer that numbers events. Everything that waits is taken with one commit. */
import { parentPort, workerData } from 'node:worker_threads';
import type { BatchMark, BatchMarked } from '../batch-mark.ts';
import { type Erasing, eraseForGood } from '../erasure.ts';
import type { Position } from '../event.ts';
import { SourceAuth } from '../intake/auth.ts';
import { IntakeError } from '../intake/errors.ts';
import type { Delivery, Draft } from '../intake/intake.ts';
import { timingOf } from '../intake/timing.ts';
import { openKeys } from '../keys.ts';
import type { ErasureWord, Heard, Word } from '../store/journal.ts';
import { SqliteErasureLedger } from '../store/sqlite/erasure-ledger.ts';
import { inWords } from './in-words.ts';
import { type Desk, openDesk } from './journal-desk.ts';
import type { Answer, FromJournal, JournalSetup, ToJournal, WireDelivery } from './protocol.ts';
import { ReceiptBook } from './receipts.ts';

/** Bodies taken with one commit; what goes beyond waits for the next. */
const GROUP_BYTES = 8 * 1024 * 1024;
/** After a failure, the journal is opened again with the next delivery, or this much later. */
const REOPEN_MS = 1000;
/** While a reader holds on to what is to be erased, it is looked for again so much later. */
const ERASE_AGAIN_MS = 250;
/** Longest sleep before the cuts are looked at again. */
const MAX_SLEEP_MS = 1000;

const setup = workerData as JournalSetup;
const port = parentPort!;
const timings = new Map(setup.streams.map((stream) => [stream.id, timingOf(stream)]));
const auth = new SourceAuth(setup.secrets);
const keys = openKeys(setup.dataDir, false, setup.keyFiles);
const receipts = new ReceiptBook(keys.log, setup.streams);

let desk: Desk | undefined = open();
const queue: { id: number; delivery: Delivery }[] = [];
let turn: NodeJS.Immediate | undefined;
let cutTimer: NodeJS.Timeout | undefined;
let eraseTimer: NodeJS.Timeout | undefined;
let announced = 0;
let closed = false;

port.on('message', (message: ToJournal) => {
  switch (message.kind) {
    case 'deliver':
      for (const wire of message.deliveries) queue.push({ id: wire.id, delivery: toDelivery(wire, message.bytes) });
      scheduleTurn();
      return;
    case 'find':
      say({ kind: 'found', id: message.id, positions: find(message.eventId) });
      return;
    case 'resolve':
      takeWords(message.id, message.words);
      return;
    case 'erase':
      takeErasure(message.id, message.eventId, message.word);
      return;
    case 'batch':
      takeMark(message.id, message.mark);
      return;
    case 'progressed':
      finishErasures();
      return;
    case 'close':
      close();
      return;
  }
});
finishErasures();
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
  // First, so that whoever has been answered finds his events in the backlog, or certified.
  announceHead();
  if (group.length > 0) {
    say({ kind: 'answers', answers: group.map(({ id }, place) => ({ id, answer: answers[place]! })) });
  }
  maintainIndex();
  if (queue.length > 0) scheduleTurn();
  scheduleCut();
}

function commit(deliveries: Delivery[]): Answer[] {
  try {
    desk ??= open();
    const outcomes = desk.arrivals.accept(deliveries, Date.now());
    for (const outcome of outcomes) if (isDefect(outcome)) say({ kind: 'trouble', message: inWords(outcome) });
    return outcomes.map((outcome, place) => toAnswer(outcome, deliveries[place]?.receipt === true));
  } catch (error) {
    fail(error);
    const refusal = new IntakeError('storage-unavailable', 'this may not have been stored; send it again later');
    return deliveries.map(() => toAnswer(refusal, false));
  }
}

/** By themselves: they are few, and whoever gives one waits for it. */
function takeWords(id: number, words: readonly Word[]): void {
  const heard = resolve(words);
  announceHead();
  say({ kind: 'heard', id, heard });
  scheduleCut();
}

/** @returns undefined when they may or may not have been written */
function resolve(words: readonly Word[]): Heard[] | undefined {
  try {
    desk ??= open();
    return desk.arrivals.resolve(words, Date.now());
  } catch (error) {
    fail(error);
    return undefined;
  }
}

function takeErasure(id: number, eventId: string, word: ErasureWord): void {
  const erasing = erase(eventId, word);
  announceHead();
  say({ kind: 'erasing', id, erasing });
  scheduleCut();
}

/** @returns undefined when the word may or may not have been written */
function erase(eventId: string, word: ErasureWord): Erasing | undefined {
  try {
    desk ??= open();
    return desk.arrivals.erase(desk.versions.find(eventId), word, Date.now());
  } catch (error) {
    fail(error);
    return undefined;
  }
}

/** What was delivered before it is taken first: it is of what the mark ends. */
function takeMark(id: number, mark: BatchMark): void {
  while (queue.length > 0) takeTurn();
  const marked = markBatch(mark);
  announceHead();
  say({ kind: 'batch-marked', id, marked });
  scheduleCut();
}

/** @returns undefined when the mark may or may not have been written */
function markBatch(mark: BatchMark): BatchMarked | undefined {
  try {
    desk ??= open();
    return desk.arrivals.markBatch(mark, Date.now());
  } catch (error) {
    fail(error);
    return undefined;
  }
}

/** Overwrites what is erased and has come into its log, also what was so before the last start. */
function finishErasures(): void {
  clearTimeout(eraseTimer);
  if (closed) return;
  let done = false;
  try {
    desk ??= open();
    done = desk.journal.erasuresToDo().length === 0 || overwriteErased(desk);
  } catch (error) {
    fail(error);
  }
  if (!done) eraseTimer = setTimeout(finishErasures, ERASE_AGAIN_MS);
}

function overwriteErased({ journal, versions }: Desk): boolean {
  const ledger = new SqliteErasureLedger(setup.dataDir);
  try {
    return eraseForGood(journal, ledger, () => versions.forget());
  } finally {
    ledger.close();
  }
}

/** @returns undefined when the journal cannot be asked now */
function find(eventId: string): Position[] | undefined {
  try {
    desk ??= open();
    return desk.versions.find(eventId);
  } catch (error) {
    fail(error);
    return undefined;
  }
}

/** After the answers: what the index writes to the disk is nothing that anyone waits for. */
function maintainIndex(): void {
  try {
    desk?.index.maintain();
  } catch (error) {
    fail(error);
  }
}

/** What is in memory may not be what is on disk: the next turn begins with what the journal has. */
function fail(error: unknown): void {
  say({ kind: 'trouble', message: inWords(error) });
  const failed = desk;
  desk = undefined;
  failed?.index.close();
  failed?.journal.close();
}

function takeGroup(): typeof queue {
  let bytes = 0;
  let count = 0;
  while (count < queue.length && (count === 0 || bytes < GROUP_BYTES)) bytes += queue[count++]!.delivery.body.length;
  return queue.splice(0, count);
}

function scheduleCut(): void {
  clearTimeout(cutTimer);
  const next = desk === undefined ? Date.now() + REOPEN_MS : desk.cuts.nextAt();
  // Looked at once a second at least: the wall clock may have been set back.
  if (next !== undefined) cutTimer = setTimeout(scheduleTurn, Math.min(Math.max(1, next - Date.now()), MAX_SLEEP_MS));
}

function announceHead(): void {
  const head = desk === undefined ? announced : desk.journal.next - 1;
  if (head === announced) return;
  announced = head;
  say({ kind: 'head', head });
}

function open(): Desk {
  return openDesk({ setup, auth, keys, timings, troubled: (message) => say({ kind: 'trouble', message }) });
}

function toDelivery({ start, end, ...delivery }: WireDelivery, bytes: Uint8Array): Delivery {
  return { ...delivery, body: Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start) };
}

function toAnswer(outcome: Draft | IntakeError, wantsReceipt: boolean): Answer {
  if (outcome instanceof IntakeError) {
    const { code, status, hint, rejected } = outcome;
    return { ok: false, code, status, hint, rejected };
  }
  const { sourceId, eventIds, duplicates, rejected } = outcome;
  const inserted = eventIds.length === 0 ? '[]' : `["${eventIds.join('","')}"]`;
  const receipt = wantsReceipt ? receipts.receipt(outcome, Date.now()) : undefined;
  return { ok: true, sourceId, inserted, count: eventIds.length, duplicates, rejected, receipt };
}

function isDefect(outcome: Draft | IntakeError): outcome is IntakeError {
  return outcome instanceof IntakeError && outcome.code === 'internal-error';
}

function close(): void {
  closed = true;
  while (queue.length > 0) takeTurn();
  clearTimeout(cutTimer);
  clearTimeout(eraseTimer);
  clearImmediate(turn);
  desk?.index.close();
  desk?.journal.close();
  port.close();
}

function say(message: FromJournal): void {
  port.postMessage(message);
}
