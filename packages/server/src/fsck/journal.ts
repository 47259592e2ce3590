/** The journal by itself: numbering, hashes, identities, and what its own tables say of it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Position } from '../event.ts';
import type { Identity } from '../intake/identity.ts';
import { SALT_BYTES, saltedHash } from '../salt.ts';
import { EventBatch } from '../store/batch.ts';
import { Configs, JournaledConfig } from './configs.ts';
import { Erasures } from './erasures.ts';
import { wrongId } from './event-id.ts';
import type { Findings, ViolationCode } from './findings.ts';
import { IdKeys } from './id-keys.ts';
import { SeqDirectory } from './seq-directory.ts';

export interface JournalFacts {
  /** The position after the last. */
  next: Position;
  configs: Configs;
  /** To find the events that have several versions. */
  ids: IdKeys;
  seqs: SeqDirectory;
}

interface EntryRow {
  first: number;
  count: number;
  kind: string;
  stream: string;
  source: string | null;
  seq: number | null;
  config: string | null;
  headers: Uint8Array | null;
  raw: Uint8Array | null;
  salts: Uint8Array | null;
}

/** Keys under which salted streams make event ids, as far as they are at hand. */
type StreamKeys = (streams: readonly string[]) => ReadonlyMap<string, Uint8Array>;

interface Tail {
  events: Position;
  cut: Position;
  config: string | null;
}

/** An event of a batch, with its source's number. */
interface Numbered {
  batch: EventBatch;
  index: number;
  source: string;
  seq: number;
}

const NO_BYTES = Buffer.alloc(0);
const CONTROL: ReadonlySet<string> = new Set(['cut', 'config', 'resolution', 'erasure', 'batch']);

export function checkJournal(db: DatabaseSync, keys: StreamKeys, findings: Findings): JournalFacts {
  const check = new JournalCheck(db, keys, findings);
  for (const row of db.prepare('SELECT * FROM entries ORDER BY first').iterate()) {
    check.entry(row as unknown as EntryRow);
  }
  return check.finish();
}

class JournalCheck {
  readonly #db: DatabaseSync;
  readonly #findings: Findings;
  readonly #header: StatementSync;
  readonly #keys: StreamKeys;
  readonly #erasures: Erasures;
  readonly #configs = new Configs();
  readonly #ids = new IdKeys();
  readonly #seqs = new SeqDirectory();
  readonly #tails = new Map<string, Tail>();
  #next: Position = 1;

  constructor(db: DatabaseSync, keys: StreamKeys, findings: Findings) {
    this.#db = db;
    this.#keys = keys;
    this.#erasures = new Erasures(db);
    this.#findings = findings;
    this.#header = db.prepare('SELECT substr(headers, 60 * ? + 1, 60) AS header FROM entries WHERE first = ?');
  }

  entry(row: EntryRow): void {
    const { first, count, kind } = row;
    if (first !== this.#next) {
      this.#report('journal-not-contiguous', this.#next, `the next entry begins at position ${first}`);
    }
    this.#next = first + count;
    if (kind === 'events') this.#events(row);
    else if (!CONTROL.has(kind)) this.#report('journal-entry-malformed', first, `of kind ${kind}`);
    else if (count !== 1) this.#report('journal-entry-malformed', first, `a control entry of ${count} items`);
    else this.#control(row);
  }

  finish(): JournalFacts {
    this.#checkSources();
    this.#checkTails();
    return { next: this.#next, configs: this.#configs, ids: this.#ids, seqs: this.#seqs };
  }

  #control({ first, kind, stream, config }: EntryRow): void {
    const tail = this.#tail(stream);
    if (kind === 'cut' || kind === 'batch') tail.cut = first;
    else if (kind === 'resolution' || kind === 'erasure') tail.events = first;
    else {
      tail.config = config;
      try {
        this.#configs.add(
          stream,
          new JournaledConfig(first, stream, config ?? '', (salted) => this.#keys([salted]).get(salted)),
        );
      } catch (cause) {
        this.#report('journal-entry-malformed', first, `a configuration that cannot be read: ${String(cause)}`);
      }
    }
  }

  #events({ first, count, stream, source, seq, headers, raw, salts }: EntryRow): void {
    this.#tail(stream).events = first;
    if (source === null || seq === null || headers === null || raw === null) {
      this.#report('journal-entry-malformed', first, 'events without source, seq, headers or bytes');
      return;
    }
    const expected = this.#seqs.last(source) + 1;
    if (seq !== expected) {
      this.#report('seq-not-contiguous', first, `source ${source} goes on with seq ${seq}, ${expected} is due`);
    }
    this.#seqs.add(source, stream, seq, first, count);
    if (this.#seqs.stream(source) !== stream) {
      this.#report(
        'source-in-two-streams',
        first,
        `source ${source} feeds ${stream}, before ${this.#seqs.stream(source)}`,
      );
    }
    const config = this.#configs.of(stream).at(-1);
    const batch = new EventBatch(headers, raw, salts ?? undefined);
    const saltBytes = config?.isSalted === true ? count * SALT_BYTES : undefined;
    if (batch.salts?.length !== saltBytes) {
      this.#report('journal-entry-malformed', first, `${batch.salts?.length ?? 'no'} bytes of salts, due ${saltBytes}`);
      return;
    }
    if (batch.count !== count) {
      this.#report('journal-entry-malformed', first, `${count} events with ${headers.length} bytes of headers`);
      return;
    }
    const identity = config?.identity(source);
    if (config?.policyHash(source) === undefined) {
      this.#report('config-missing', first, `no configuration of the stream ${stream} with the source ${source}`);
    }
    this.#findings.checked.events += count;
    for (let index = 0; index < count; index++)
      this.#event({ batch, index, source, seq: seq + index }, first, identity);
  }

  #event(event: Numbered, first: Position, identity: Identity | undefined): void {
    const { batch, index, source, seq } = event;
    this.#ids.add(batch.fingerprintHigh(index), batch.fingerprintLow(index));
    const left = batch.salts && this.#erasures.wrongBytes(batch, index, first + index);
    if (left !== undefined) this.#report('erasure-wrong', first + index, left);
    const erased = batch.isErased(index);
    if (!erased && saltedHash(batch.salt(index), batch.bytes(index)) !== batch.rawHash(index)) {
      this.#report('raw-hash-mismatch', first + index, `the bytes of seq ${seq} of ${source} do not have its hash`);
      return;
    }
    const wrong = erased ? undefined : identity && wrongId(identity, batch, index);
    if (wrong !== undefined) this.#report('event-id-mismatch', first + index, wrong);
    const superseded = batch.supersedes(index);
    if (superseded === undefined || this.#isEarlierVersion(event, superseded)) return;
    this.#report(
      'supersedes-wrong',
      first + index,
      `seq ${superseded} of ${source} is no earlier version of the event`,
    );
  }

  #isEarlierVersion({ batch, index, source, seq }: Numbered, superseded: number): boolean {
    const target = superseded < seq ? this.#seqs.find(source, superseded) : undefined;
    const header = target && this.#header.get(target.place, target.first)?.header;
    if (!(header instanceof Uint8Array) || header.length === 0) return false;
    return batch.sameEventId(index, new EventBatch(header, NO_BYTES), 0);
  }

  #checkSources(): void {
    const rows = this.#db.prepare('SELECT source, seq, stream FROM sources').all();
    const stored = new Map(rows.map(({ source, seq, stream }) => [String(source), `${seq} in ${stream}`]));
    for (const source of new Set([...stored.keys(), ...this.#seqs.sources])) {
      const due = `${this.#seqs.last(source)} in ${this.#seqs.stream(source)}`;
      const has = stored.get(source) ?? 'none';
      if (has === due) continue;
      this.#findings.violation('sources-row-wrong', `source ${source}`, `has the last seq ${has}, its entries ${due}`);
    }
  }

  #checkTails(): void {
    const stored = new Map(
      this.#db
        .prepare('SELECT * FROM stream_tails')
        .all()
        .map((row) => [String(row.stream), row]),
    );
    for (const stream of new Set([...stored.keys(), ...this.#tails.keys()])) {
      const has = stored.get(stream);
      const due = this.#tails.get(stream);
      const right = due?.events === has?.last_events && due?.cut === has?.last_cut && due?.config === has?.config;
      if (!right) this.#findings.violation('stream-tail-wrong', `stream ${stream}`, 'not what the entries add up to');
    }
  }

  #tail(stream: string): Tail {
    let tail = this.#tails.get(stream);
    if (tail === undefined) {
      tail = { events: 0, cut: 0, config: null };
      this.#tails.set(stream, tail);
    }
    return tail;
  }

  #report(code: ViolationCode, position: Position, what: string): void {
    this.#findings.violation(code, `journal position ${position}`, what);
  }
}
