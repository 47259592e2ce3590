/** What the signatures of general messages cover in BRC-104: a request or an answer, written in one way. */
/** Names in lower case. */
type Headers = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** How an absent part is written: -1 as a 64-bit number. */
const ABSENT = Buffer.from('ffffffffffffffffff', 'hex');

/** @param requestId 32 bytes */
export function requestPayload(
  requestId: Uint8Array,
  request: { method: string; target: string; headers: Headers },
  body: Uint8Array,
): Buffer {
  const mark = request.target.indexOf('?');
  const path = mark < 0 ? request.target : request.target.slice(0, mark);
  const search = mark < 0 ? '' : request.target.slice(mark);
  const type = request.headers['content-type']?.toString().split(';', 1)[0]?.trim();
  const headers = [...signedHeaders(request.headers), ...(type === undefined ? [] : [['content-type', type] as const])];
  return Buffer.concat([
    requestId,
    part(Buffer.from(request.method)),
    part(Buffer.from(path)),
    part(Buffer.from(search)),
    headerList(headers),
    part(body),
  ]);
}

/** @param requestId of the request that is answered */
export function answerPayload(
  requestId: Uint8Array,
  answer: { status: number; headers: Headers },
  body: Uint8Array,
): Buffer {
  const headers = signedHeaders(answer.headers);
  return Buffer.concat([requestId, varInt(answer.status), headerList(headers), varInt(body.length), body]);
}

type Header = readonly [name: string, value: string];

function signedHeaders(headers: Headers): Header[] {
  return Object.entries(headers).flatMap(([name, value]): Header[] => {
    const signed = name === 'authorization' || (name.startsWith('x-bsv-') && !name.startsWith('x-bsv-auth'));
    return signed && value !== undefined ? [[name, String(value)]] : [];
  });
}

/** In the order of `localeCompare`, as everybody's clients have it. */
function headerList(headers: readonly Header[]): Buffer {
  const sorted = headers.toSorted(([a], [b]) => a.localeCompare(b));
  const texts = sorted.flat().map((text) => Buffer.from(text));
  return Buffer.concat([varInt(sorted.length), ...texts.flatMap((text) => [varInt(text.length), text])]);
}

function part(bytes: Uint8Array): Buffer {
  return bytes.length === 0 ? ABSENT : Buffer.concat([varInt(bytes.length), bytes]);
}

/** Bitcoin's number of 1, 3 or 5 bytes. */
function varInt(value: number): Buffer {
  if (value < 0xfd) return Buffer.from([value]);
  const bytes = Buffer.alloc(value <= 0xffff ? 3 : 5);
  bytes[0] = value <= 0xffff ? 0xfd : 0xfe;
  bytes.writeUIntLE(value, 1, bytes.length - 1);
  return bytes;
}
