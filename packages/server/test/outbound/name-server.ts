/** A name server on loopback (RFC 1035, over UDP) that answers as it is told. */
import { createSocket, type Socket } from 'node:dgram';

/** Addresses, `unknown` (there is no such name), or nothing at all. */
export type Records = readonly string[] | 'unknown' | 'silent';

const HEADER_BYTES = 12;
const KINDS: Record<number, 'A' | 'AAAA'> = { 1: 'A', 28: 'AAAA' };
/** A response to a recursive query, without an error. */
const RESPONSE = 0x8180;
const NO_SUCH_NAME = 3;
/** To the name in the question. */
const POINTER = 0xc00c;

export class NameServer {
  /** As `A name.test`, in the order in which they came. */
  readonly asked: string[] = [];
  readonly #socket: Socket;

  private constructor(records: (name: string, kind: 'A' | 'AAAA') => Records) {
    this.#socket = createSocket('udp4', (query, from) => {
      const { name, end } = nameIn(query);
      const kind = KINDS[query.readUInt16BE(end)] ?? 'A';
      this.asked.push(`${kind} ${name}`);
      const found = records(name, kind);
      if (found !== 'silent') this.#socket.send(answerTo(query.subarray(0, end + 4), found), from.port, from.address);
    });
  }

  static async open(records: (name: string, kind: 'A' | 'AAAA') => Records): Promise<NameServer> {
    const server = new NameServer(records);
    await new Promise<void>((resolve) => server.#socket.bind(0, '127.0.0.1', resolve));
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(resolve));
  }
}

function nameIn(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), end: at + 1 };
}

function answerTo(question: Buffer, found: Exclude<Records, 'silent'>): Buffer {
  const list = found === 'unknown' ? [] : found;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(question.readUInt16BE(0), 0);
  header.writeUInt16BE(RESPONSE | (found === 'unknown' ? NO_SUCH_NAME : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(list.length, 6);
  const records = list.map((address) => {
    const data = bytesOf(address);
    const record = Buffer.alloc(HEADER_BYTES);
    record.writeUInt16BE(POINTER, 0);
    record.writeUInt16BE(data.length === 4 ? 1 : 28, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(60, 6);
    record.writeUInt16BE(data.length, 10);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([header, question.subarray(HEADER_BYTES), ...records]);
}

/** @param address IPv4, or IPv6 with all its eight groups */
function bytesOf(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  return Buffer.from(
    address.split(':').flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16)]),
  );
}
