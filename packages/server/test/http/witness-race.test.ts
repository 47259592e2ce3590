/** A witness that takes its time over one checkpoint, while the next packet is anchored. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { startWitness } from '../../src/witness/server.ts';
import { Directories } from '../support/directories.ts';
import { get, post } from './client.ts';
import { AT_ONCE, anchoredProof, eventually, makeDataDir, removeDataDir, settled, startWith } from './server.ts';

const SETTINGS = { streams: [{ id: 'default', publish: AT_ONCE }], anchorIntervalMs: 100 };

async function publish(url: string, id: string): Promise<string> {
  const { body } = await post(url, { events: [{ id }] });
  await settled(url, body.inserted[0]);
  return body.inserted[0];
}

it('is shown that one, too', async () => {
  const dataDir = makeDataDir();
  const directories = new Directories();
  const first = await startWith(dataDir, SETTINGS);
  await publish(first.url, 'before');
  const { logKey } = (await get(first.url, '/log/default/key')).body;
  await first.stop();
  const witness = await startWitness({
    ...{ dataDir: directories.next(), logs: [logKey], name: 'witness.example/w', host: '127.0.0.1', port: 0 },
  });
  // What is sent to the witness waits here until it may pass.
  let asked = 0;
  const pass = Promise.withResolvers<void>();
  const gate = createServer(async (request, response) => {
    asked++;
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    await pass.promise;
    const answer = await fetch(new URL(request.url ?? '', witness.url), { method: 'POST', body });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' });
    response.end(await answer.text());
  }).listen(0, '127.0.0.1');
  await once(gate, 'listening');
  const { port } = gate.address() as { port: number };
  const witnessesJson = [{ url: `http://127.0.0.1:${port}`, key: witness.key }];
  const server = await startWith(dataDir, { ...SETTINGS, witnessesJson });
  onTestFinished(async () => {
    await server.kill();
    gate.close();
    await witness.close();
    removeDataDir(dataDir);
    directories.remove();
  });

  await publish(server.url, 'shown');
  await eventually(() => expect(asked).toBeGreaterThan(0));
  const anchoredMeanwhile = await publish(server.url, 'anchored meanwhile');
  await anchoredProof(server.url, anchoredMeanwhile);
  pass.resolve();
  await eventually(async () => {
    const { body } = await get(server.url, `/ingest/events/${anchoredMeanwhile}/proof`);
    expect(body.checkpoint).toContain('witness.example/w');
  });
});
