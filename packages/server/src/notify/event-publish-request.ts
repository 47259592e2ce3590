/** What a publish request says, read within bounds; a `Refusal` where it says nothing that can be done. */

export interface PublishRequest {
  channel: string;
  message: string;
  persist: boolean;
}

export interface Refusal {
  status: number;
  error: string;
}

export const INVALID_JSON: Refusal = { status: 400, error: 'Invalid JSON' };
export const INCOMPLETE: Refusal = { status: 400, error: 'Missing channel or message' };
export const UNSUPPORTED: Refusal = { status: 400, error: 'Unsupported action' };
export const TOO_LARGE: Refusal = { status: 413, error: 'Message too large' };

/** A byte of a message takes six at most where it is escaped in JSON: `\u0000`. */
const ESCAPED = 6;
/** For the members beside the message. */
const AROUND_BYTES = 4096;

export async function readPublishRequest(request: Request, maxMessageBytes: number): Promise<PublishRequest | Refusal> {
  let value: unknown;
  try {
    const body = await readBounded(request, maxMessageBytes * ESCAPED + AROUND_BYTES);
    if (body === undefined) return TOO_LARGE;
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    // A body that breaks off is none either.
    return INVALID_JSON;
  }
  const { action, channel, message, persist } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (!isText(channel) || !isText(message)) return INCOMPLETE;
  if (action !== 'publish') return UNSUPPORTED;
  return { channel, message, persist: persist !== false };
}

/** @returns undefined for more than `maxBytes`, of which no more than that is ever held */
async function readBounded(request: Request, maxBytes: number): Promise<Uint8Array | undefined> {
  // One that says that it is too long is believed.
  if (Number(request.headers.get('content-length')) > maxBytes) return undefined;
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  for (let read = await reader?.read(); read !== undefined && !read.done; read = await reader?.read()) {
    length += read.value.length;
    if (length > maxBytes) {
      // Whether the other side hears of it is not waited for.
      reader?.cancel().catch(() => undefined);
      return undefined;
    }
    pieces.push(read.value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
