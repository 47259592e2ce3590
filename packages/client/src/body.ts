/** Bodies of answers, of which no more is taken in than there can be. */
import { ClientError } from './errors.ts';

/** A page of a feed has at most 1000 items; beyond this, the other side is no Tidemark server. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** A refusal may say of each of many events what is wrong with it. */
export const MAX_REFUSAL_BYTES = 16 * 1024 * 1024;

/** @param where what was asked for, as it is to be named @throws ClientError `bad-answer` for more than `maxBytes` */
export async function readBounded(response: Response, maxBytes: number, where: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  // Not every browser can iterate over a body.
  const reader = response.body?.getReader();
  for (let read = await reader?.read(); read !== undefined && !read.done; read = await reader?.read()) {
    length += read.value.length;
    if (length > maxBytes) {
      await reader?.cancel();
      throw new ClientError('bad-answer', `${where} has more than ${maxBytes} bytes`);
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

export async function textOf(response: Response, maxBytes: number, where: string): Promise<string> {
  return new TextDecoder().decode(await readBounded(response, maxBytes, where));
}
