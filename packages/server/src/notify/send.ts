/** Sends a request that was rendered, once; redirects are not followed, so that a token goes where it was meant to. */
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { toBytes } from '../go-template/bytes.ts';
import { NotifierError } from './errors.ts';
import { http, secureHttp } from './lean-http.ts';
import type { NotifierRequest } from './notifier.ts';

export interface NotifierAnswer {
  status: number;
  /** Its beginning, where it is long. */
  body: string;
}

export interface SendOptions {
  /** For the whole attempt. */
  timeoutMs: number;
}

/** Nobody needs more of an answer than to see what went wrong. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** @throws NotifierError `unreachable`, `timeout`; any status is an answer */
export async function sendRequest(request: NotifierRequest, { timeoutMs }: SendOptions): Promise<NotifierAnswer> {
  const outgoing = begin(request);
  const { promise, resolve, reject } = Promise.withResolvers<NotifierAnswer>();
  // A socket's own timeout begins anew with every byte.
  const deadline = setTimeout(() => {
    reject(new NotifierError('timeout', `no answer in ${timeoutMs / 1000} s`));
    outgoing.destroy();
  }, timeoutMs);
  const fail = (cause: NodeJS.ErrnoException) => reject(unreachable(cause));
  outgoing.on('error', fail);
  outgoing.on('response', (answer) => {
    readAnswer(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), fail);
  });
  // As bytes: text would be written together with the headers, and those as UTF-8 once more.
  outgoing.end(request.body === undefined ? undefined : Buffer.from(request.body));
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
    outgoing.destroy();
  }
}

function begin({ url, method, headers, body }: NotifierRequest): ClientRequest {
  const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
  // As bytes: Node takes no other characters in a header than Latin-1.
  const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, toBytes(value)]));
  const options: RequestOptions = { method, headers: { ...withoutLength(sent), ...length }, agent: false };
  const target = new URL(url);
  try {
    return (target.protocol === 'http:' ? http : secureHttp()).request(target, options);
  } catch (cause) {
    throw unreachable(cause as NodeJS.ErrnoException);
  }
}

function withoutLength(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'content-length'));
}

/** What breaks off half-way is no answer; of one that is too long, the beginning is. */
async function readAnswer(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    pieces.push(piece);
    length += piece.length;
    if (length >= MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(pieces).subarray(0, MAX_ANSWER_BYTES).toString('utf8');
}

function unreachable(cause: NodeJS.ErrnoException): NotifierError {
  const code = cause.code === undefined || cause.message.includes(cause.code) ? '' : ` (${cause.code})`;
  return new NotifierError('unreachable', `${cause.message || 'the request failed'}${code}`, { cause });
}
