/** Keys are replaced, and each log says so: whoever trusts the former key knows the new one from it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlLeaf, parseCheckpoint, parseVerifierKey, verifyCheckpoint, verifyControl } from '@tidemark/proof';
import { afterAll, expect, it } from 'vitest';
import { audit } from '../../src/audit/index.ts';
import { fsck } from '../../src/fsck/index.ts';
import { replay } from '../../src/replay/index.ts';
import { runTidemark } from '../support/tidemark.ts';
import { get, type Json, post } from './client.ts';
import { AT_ONCE, makeDataDir, packetLines, removeDataDir, settled, startWith } from './server.ts';

const dataDir = makeDataDir();
afterAll(() => removeDataDir(dataDir));

const settings = { sources: [{ id: 'room' }, { id: 'quiet' }], streams: [{ id: 'room', publish: AT_ONCE }] };

/** One run of the server that certifies one event. @returns what a stranger sees of the log afterwards */
async function serveOne(id: string): Promise<{ key: Json; note: string; proof: Json }> {
  const server = await startWith(dataDir, settings);
  const { body } = await post(server.url, { sourceId: 'room', events: [{ id }] });
  await settled(server.url, body.inserted[0]);
  const { body: key } = await get(server.url, '/log/room/key');
  const note = await (await fetch(`${server.url}/log/room/checkpoint`)).text();
  const { body: proof } = await get(server.url, `/ingest/events/${body.inserted[0]}/proof`);
  expect(await server.stop()).toBe(0);
  return { key, note, proof };
}

it('each key once', async () => {
  const first = await serveOne('one');
  const rotated = async (name: string) =>
    (await runTidemark(['keys', 'rotate', name, '--data', dataDir])).stdout.split('\n');
  const [logBefore, , logAfter] = await rotated('log');
  const second = await serveOne('two');
  const [identityBefore, , identityAfter] = await rotated('identity');
  const third = await serveOne('three');

  const keys = [first, second, third].map(({ key }) => [key.logKey, key.publisher]);
  expect([keys[0]![0] === keys[1]![0], keys[1]![0] === keys[2]![0]]).toEqual([false, true]);
  expect(keys.map(([, publisher]) => publisher)).toEqual([identityBefore, identityBefore, identityAfter]);
  const hexOf = (logKey: string) => Buffer.from(parseVerifierKey(logKey).publicKey).toString('hex');
  expect([hexOf(keys[0]![0]), hexOf(keys[1]![0])]).toEqual([logBefore, logAfter]);
  for (const [index, { note, proof }] of [first, second, third].entries()) {
    expect(verifyCheckpoint(parseCheckpoint(note), parseVerifierKey(keys[index]![0]))).toBe('valid');
    expect(proof.manifest.provenance.producer.identityKey).toBe(keys[index]![1]);
  }

  const controls = packetLines(dataDir)
    .map(({ leaf }) => leaf)
    .filter(({ kind, stream }) => kind === 'control' && stream === 'room') as ControlLeaf[];
  const change = (name: string) => controls.find(({ data }) => (data as Json)[name] !== undefined)!;
  expect(controls.map(({ action }) => action)).toEqual(['key-rotated', 'key-rotated']);
  expect(change('logKey').data).toMatchObject({ changed: ['logKey'], logKey: keys[1]![0] });
  expect(change('publisher').data).toMatchObject({ changed: ['publisher'], publisher: identityAfter });
  expect(verifyControl(change('logKey'), keys[0]![0])).toBe(true);
  expect(verifyControl(change('logKey'), keys[1]![0])).toBe(false);

  const server = await startWith(dataDir, settings);
  const pins = { logKeys: keys.map(([logKey]) => logKey), publisher: identityBefore! };
  const audited = await audit(
    { url: new URL(`${server.url}/`), token: undefined },
    { streams: ['room'], pins, before: new Map() },
  );
  expect(audited.logs).toMatchObject([{ clean: true, findings: [], notes: [] }]);
  expect(audited.state?.get('room')?.leaves.publishers).toEqual([identityBefore, identityAfter]);
  expect(await server.stop()).toBe(0);

  expect(fsck(dataDir).violations).toEqual([]);
  expect(await replay(dataDir)).toMatchObject({ equal: true });
});

it('not while the server runs, and only keys that there are', async () => {
  const server = await startWith(dataDir, settings);
  const running = await runTidemark(['keys', 'rotate', 'log', '--data', dataDir]);
  expect(running).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('another process uses the data directory'),
  });
  expect(await server.stop()).toBe(0);
  const unknown = await runTidemark(['keys', 'rotate', 'hash', '--data', dataDir]);
  expect(unknown).toMatchObject({ code: 2, stderr: 'tidemark: the key is "identity" or "log", not "hash"\n' });
});

it('not for a key whose former one is nowhere', async () => {
  const file = join(dataDir, 'elsewhere');
  writeFileSync(file, `${'5'.repeat(64)}\n`, { mode: 0o600 });
  const own = readFileSync(join(dataDir, 'log.key'), 'utf8');
  writeFileSync(join(dataDir, 'log.key'), `${'6'.repeat(64)}\n`);
  const refused = startWith(dataDir, { ...settings, logKeyFile: file });
  await expect(refused).rejects.toThrow(/signed with the log key .*, which is not here: set the file back, or copy/);
  writeFileSync(join(dataDir, 'log.key'), own);
  // As it is given back, everything goes on.
  const server = await startWith(dataDir, settings);
  const { body } = await post(server.url, { sourceId: 'room', events: [{ id: 'four' }] });
  expect((await settled(server.url, body.inserted[0])).status).toBe('certified');
  expect(await server.stop()).toBe(0);
});
