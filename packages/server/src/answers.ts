/** What comes back from servers that others run: bounded, and its failures in words. */

/** The body as text; undefined for one of more than `maxBytes`, of which the rest is not read. */
export async function readBounded(response: Response, maxBytes: number): Promise<string | undefined> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    length += piece.length;
    if (length > maxBytes) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** `fetch` says little itself, and keeps what happened as the cause. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string; message?: string } };
  // Its own codes are no words: UND_ERR_SOCKET, for one.
  const code = cause?.code?.startsWith('UND_') === true ? cause.message : cause?.code;
  return code ?? cause?.message ?? message ?? 'no answer';
}
