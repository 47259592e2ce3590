/** Stands between a client and a real server, passes all on, and changes what it is told to. */
import type { ServerResponse } from 'node:http';
import { listen } from './stand-in.ts';

/** A message of `/watch`, as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: what is altered is up to the test.
export type Json = any;

export interface Alterations {
  /** Messages in place of one; [] drops it. */
  message?: (message: Json) => Json[];
  /** What is answered in place of what the server answers; undefined where that will do. */
  answer?: (path: string, bytes: Uint8Array) => Uint8Array | string | undefined;
}

export interface Between {
  url: string;
  /** Paths, without the query, that have been asked for. */
  asked: string[];
  /** What was shown as authorization. */
  shown: Set<string | undefined>;
}

export async function between(url: string, { message, answer }: Alterations): Promise<Between> {
  const asked: string[] = [];
  const shown = new Set<string | undefined>();
  const own = await listen(async (request, response) => {
    const target = new URL(request.url ?? '/', url);
    asked.push(target.pathname);
    shown.add(request.headers.authorization);
    try {
      const upstream = await fetch(target);
      if (target.pathname === '/watch') return await passOn(upstream, response, message ?? ((one) => [one]));
      const bytes = new Uint8Array(await upstream.arrayBuffer());
      const { status } = upstream;
      const type = upstream.headers.get('content-type') ?? '';
      return response.writeHead(status, { 'content-type': type }).end(answer?.(target.pathname, bytes) ?? bytes);
    } catch {
      // The server is gone, or the client: so is this connection.
      response.destroy();
    }
  });
  return { url: own, asked, shown };
}

async function passOn(upstream: Response, response: ServerResponse, message: (one: Json) => Json[]): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of upstream.body ?? []) {
    if (response.destroyed) return;
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) response.write(altered(block, message));
  }
  response.end();
}

function altered(block: string, message: (one: Json) => Json[]): string {
  const lines = block.split('\n');
  const data = lines.find((line) => line.startsWith('data: '));
  if (data === undefined) return `${block}\n\n`;
  const others = lines.filter((line) => line !== data);
  const messages = message(JSON.parse(data.slice(6)));
  return messages.map((one) => `${[...others, `data: ${JSON.stringify(one)}`].join('\n')}\n\n`).join('');
}
