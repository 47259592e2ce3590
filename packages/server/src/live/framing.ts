/** How messages go over a connection. Packed once, the same bytes serve everybody who is told the same. */

export interface Framing {
  /** One message. @param id the reader's cursor after it; undefined where it is to keep the one that it has */
  frame(id: string | undefined, text: string): string;
  /** What goes before the first frame, and tells a client to wait so long, in milliseconds, before it comes back. */
  retry(milliseconds: number): readonly string[];
  /** Frames as the bytes to be written to the connection. */
  pack(frames: readonly string[]): Buffer;
}

/** Server-sent events in chunks, as HTTP/1.1 has them. */
export const EVENT_STREAM_CHUNKED: Framing = {
  frame: eventFrame,
  retry: (milliseconds) => [`retry: ${milliseconds}\n`],
  pack: (frames) => chunk(frames.join('')),
};

/** Server-sent events up to the end of the connection, for HTTP/1.0. */
export const EVENT_STREAM_PLAIN: Framing = {
  frame: eventFrame,
  retry: EVENT_STREAM_CHUNKED.retry,
  pack: (frames) => Buffer.from(frames.join('')),
};

/** One text message each (RFC 6455), with the cursor as its first member. */
export const WEB_SOCKET: Framing = {
  frame: (id, text) => (id === undefined ? text : `{"id":${JSON.stringify(id)},${text.slice(1)}`),
  // It is in the first message.
  retry: () => [],
  pack: (frames) => Buffer.concat(frames.flatMap(textMessage)),
};

/** A line that readers pass by. @param text one line */
export function comment(text: string): string {
  return `: ${text}\n\n`;
}

function eventFrame(id: string | undefined, text: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}data: ${text}\n\n`;
}

function chunk(text: string): Buffer {
  const length = Buffer.byteLength(text);
  return Buffer.from(`${length.toString(16)}\r\n${text}\r\n`);
}

const FINAL_TEXT = 0x81;

function textMessage(text: string): [Buffer, Buffer] {
  const payload = Buffer.from(text);
  if (payload.length < 126) return [Buffer.from([FINAL_TEXT, payload.length]), payload];
  if (payload.length < 65_536) {
    const header = Buffer.from([FINAL_TEXT, 126, 0, 0]);
    header.writeUInt16BE(payload.length, 2);
    return [header, payload];
  }
  const header = Buffer.alloc(10);
  header[0] = FINAL_TEXT;
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(payload.length), 2);
  return [header, payload];
}
