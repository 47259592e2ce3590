/** A real HTTP endpoint that makes vectors, or does what a test has it do instead. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export type Turn = (request: IncomingMessage, response: ServerResponse, texts: string[]) => void;

export interface Endpoint {
  url: string;
  /** Of each request. */
  asked: { texts: string[]; authorization: string | undefined; at: number }[];
}

/** Numbers that depend on the text alone. */
export function numbersOf(text: string, dimensions: number): number[] {
  return Array.from({ length: dimensions }, (_, at) =>
    Math.fround(Math.sin(text.length + at * (text.codePointAt(at % text.length) ?? 1))),
  );
}

export const wellBehaved =
  (dimensions: number): Turn =>
  (_request, response, texts) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ embeddings: texts.map((text) => numbersOf(text, dimensions)) }));
  };

/** @param turns what is done with each request; the last with all that follow */
export async function endpoint(...turns: [Turn, ...Turn[]]): Promise<Endpoint> {
  const asked: Endpoint['asked'] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { texts } = JSON.parse(Buffer.concat(chunks).toString()) as { texts: string[] };
      asked.push({ texts, authorization: request.headers.authorization, at: performance.now() });
      (turns[asked.length - 1] ?? turns.at(-1)!)(request, response, texts);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/embed`, asked };
}
