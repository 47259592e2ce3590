/** A JSON text: an array of records, a map with `records` or `examples`, or one record. */
import { isUtf8 } from 'node:buffer';
import { IntakeError } from '../../intake/errors.ts';
import { Scanner } from '../../intake/json-slices.ts';
import { SpoolError } from '../errors.ts';
import { GROUP, type Head, MAX_BESIDE_BYTES, NO_HEAD, type RecordFile } from './format.ts';
import { HeadMembers } from './head.ts';
import { readJsonRecord } from './json-text.ts';

const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/** @throws SpoolError `file-malformed` */
export function openJson(file: Buffer): RecordFile<Buffer> {
  if (!isUtf8(file)) throw new SpoolError('file-malformed', 'it is not UTF-8');
  const body = file.subarray(0, 3).equals(BYTE_ORDER_MARK) ? file.subarray(3) : file;
  const { head, records } = inWords(() => locate(body));
  return { head, raw: records, read: readJsonRecord };
}

function locate(body: Buffer): { head: Head; records: Iterable<Buffer[]> } {
  const scanner = new Scanner(body);
  const first = scanner.peek();
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) {
    throw new SpoolError('file-malformed', 'it is a map or an array of records');
  }
  const whole = scanner.value();
  if (!scanner.atEnd()) throw new SpoolError('file-malformed', 'there is something after its end');
  if (first === OPEN_BRACKET) return { head: NO_HEAD, records: elements(whole) };
  const members = membersOf(whole);
  const array = members.recordsOf((slice) => slice[0] === OPEN_BRACKET);
  if (array !== undefined) return { head: members.head(parsed), records: elements(array) };
  // What is no map of records is a record, if a malformed one; in which `source` and `pii` are its own.
  return { head: NO_HEAD, records: [[whole]] };
}

function membersOf(whole: Buffer): HeadMembers<Buffer> {
  const members = new HeadMembers<Buffer>();
  const scanner = new Scanner(whole);
  scanner.members(OPEN_BRACE, CLOSE_BRACE, () => {
    const name = parsed(scanner.value());
    scanner.expect(COLON);
    members.add(name, scanner.value());
  });
  return members;
}

function* elements(array: Buffer): Generator<Buffer[]> {
  const scanner = new Scanner(array);
  scanner.expect(OPEN_BRACKET);
  if (scanner.peek() === CLOSE_BRACKET) return;
  let group: Buffer[] = [];
  for (;;) {
    group.push(inWords(() => scanner.value()));
    if (scanner.peek() !== COMMA) break;
    scanner.expect(COMMA);
    if (group.length < GROUP) continue;
    yield group;
    group = [];
  }
  inWords(() => scanner.expect(CLOSE_BRACKET));
  yield group;
}

function parsed(slice: Buffer): unknown {
  if (slice.length > MAX_BESIDE_BYTES) {
    throw new SpoolError('file-malformed', 'a name or value beside its records is too large');
  }
  try {
    return JSON.parse(slice.toString('utf8'));
  } catch (cause) {
    throw new SpoolError('file-malformed', 'a name or value beside its records is not JSON', { cause });
  }
}

/** The scanner speaks of a request's body. */
function inWords<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof IntakeError)) throw cause;
    const why = cause.hint.replace('the body is', 'it is');
    throw new SpoolError('file-malformed', why, { cause });
  }
}
