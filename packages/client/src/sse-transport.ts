/** `/watch` as server-sent events, over fetch. */
import { ClientError } from './errors.ts';
import { parseFrame } from './messages.ts';
import { SseParser } from './sse.ts';
import { type Delivery, MAX_MESSAGE_CHARS, type Transport, type TransportOptions, type Wanted } from './transport.ts';

/**
 * Reads when it is asked for more, and not before: a reader that is slow lets the connection fill up, and the server
 * notices. What is read ahead is one chunk, and what fetch and the network hold.
 */
export const overSse: Transport = async function* (wanted, options, signal): AsyncGenerator<Delivery> {
  const connection = new AbortController();
  const abort = () => connection.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const silence = new Silence(options.idleTimeoutMs, connection);
  let body: ReadableStreamDefaultReader<Uint8Array> | undefined;
  try {
    body = (await silence.during(open(wanted, options, connection.signal))).getReader();
    const parser = new SseParser();
    for (;;) {
      const { done, value } = await silence.during(body.read());
      if (done) return;
      const frames = parser.push(value).map(({ data, id }) => parseFrame(data, id === '' ? undefined : id));
      if (parser.held > MAX_MESSAGE_CHARS) throw new ClientError('bad-answer', 'watch: a message does not end');
      yield { frames, retryMs: parser.retryMs };
    }
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof ClientError) throw cause;
    const why = connection.signal.aborted ? `nothing came for ${options.idleTimeoutMs()} ms` : 'the connection broke';
    throw new ClientError('unreachable', `watch: ${why}`, { cause });
  } finally {
    signal.removeEventListener('abort', abort);
    // Of no interest any more, whatever becomes of it.
    body?.cancel().catch(() => undefined);
    connection.abort();
  }
};

async function open(query: Wanted, { http }: TransportOptions, signal: AbortSignal) {
  const headers = { accept: 'text/event-stream' };
  const response = await http.attempt('watch', { headers, query }, signal);
  const type = response.headers.get('content-type') ?? '';
  if (response.body === null || !/^text\/event-stream\b/i.test(type)) {
    await response.body?.cancel();
    throw new ClientError('bad-answer', `watch: the answer is ${type || 'of no type'}, not text/event-stream`);
  }
  return response.body;
}

/** Ends a connection on which nothing comes while somebody waits for it. */
class Silence {
  readonly #ms: () => number;
  readonly #connection: AbortController;

  constructor(ms: () => number, connection: AbortController) {
    this.#ms = ms;
    this.#connection = connection;
  }

  async during<T>(work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#connection.abort(), this.#ms());
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }
}
