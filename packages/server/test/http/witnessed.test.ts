/** A server whose checkpoints a witness cosigns, while another one hangs. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { formatVerifierKey, verifierKey, verifyProof } from '@tidemark/proof';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningWitness, startWitness } from '../../src/witness/server.ts';
import { Directories } from '../support/directories.ts';
import type { ServerProcess } from '../support/server-process.ts';
import { get, type Json, post } from './client.ts';
import { AT_ONCE, eventually, makeDataDir, removeDataDir, settled, startWith } from './server.ts';

const directories = new Directories();
const dataDir = makeDataDir();
const settings = { streams: [{ id: 'default', publish: AT_ONCE }], anchorIntervalMs: 100 };
let witness: RunningWitness;
let hanging: Server;
let server: ServerProcess;

beforeAll(async () => {
  const first = await startWith(dataDir, settings);
  await settled(first.url, (await post(first.url, { events: [{ id: 'before' }] })).body.inserted[0]);
  const { logKey } = (await get(first.url, '/log/default/key')).body;
  await first.stop();
  witness = await startWitness({
    ...{ dataDir: directories.next(), logs: [logKey], name: 'witness.example/w', host: '127.0.0.1', port: 0 },
  });
  hanging = createServer(() => {}).listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  const { port } = hanging.address() as { port: number };
  const silent = formatVerifierKey(verifierKey('silent.example/w', new Uint8Array(32).fill(5), 'witness'));
  const witnessesJson = [
    { url: `http://127.0.0.1:${port}`, key: silent },
    { url: witness.url, key: witness.key },
  ];
  server = await startWith(dataDir, { ...settings, witnessesJson });
});
afterAll(async () => {
  expect(await server.stop()).toBe(0);
  await witness.close();
  hanging.close();
  removeDataDir(dataDir);
  directories.remove();
});

it('has proofs that carry an anchor and a cosignature, each soon, whatever another witness does', async () => {
  for (const id of ['one', 'two', 'three']) {
    const { body } = await post(server.url, { events: [{ id }] });
    await settled(server.url, body.inserted[0]);
    const proof: Json = await eventually(async () => {
      const { body: file } = await get(server.url, `/ingest/events/${body.inserted[0]}/proof`);
      expect(file.anchor).not.toBeNull();
      expect(file.checkpoint).toContain('witness.example/w');
      return file;
    }, 25);
    const pins = { dev: true, witnesses: [witness.key] };
    expect(verifyProof(proof, { ...pins, quorum: 1 })).toMatchObject({ valid: true, level: 'anchored' });
  }
});

it('is well, and says whom it waits for', async () => {
  await eventually(async () => {
    const { status, body } = await get(server.url, '/health');
    expect([status, body.status]).toEqual([200, 'ok']);
    expect(body.witnessTroubles).toEqual(['the witness silent.example/w does not cosign: no answer in time']);
  }, 100);
});
