/** What an audit relies on: keys and how they change, answers that can be read, and what it remembers itself. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalize, encodeEntries, utf8 } from '@tidemark/proof';
import { afterAll, describe, expect, it } from 'vitest';
import { readState, writeState } from '../../src/audit/state.ts';
import type { Json } from '../http/client.ts';
import { pinsOf } from '../http/server.ts';
import { Directories } from '../support/directories.ts';
import { AlteredLog } from './altered-log.ts';
import { auditOf, details, NOTHING, nextLeaves, reasons, useAudited } from './audited.ts';

const { server, copy, seenNow } = useAudited();
const directories = new Directories();
afterAll(() => directories.remove());

describe('keys', () => {
  it('change by the word of the key before', async () => {
    const log = await copy();
    const before = (await auditOf(await log.listen())).state;
    const next = log.newKey(7);
    log.leaves.push(log.control('key-rotated', { logKey: next.text }));
    log.start = log.leaves.length - 1;
    // The packet that has the word in it is the old key's, or the new one's; later ones are the new one's.
    expect(reasons(await auditOf(log.url, before))).toEqual([]);
    log.key = next;
    expect(reasons(await auditOf(log.url, before))).toEqual([]);
    log.leaves.push(...nextLeaves(log, 1));
    log.start = log.leaves.length - 1;
    const { logKey } = pinsOf(server.dataDir, 'meter');
    const rotated = await auditOf(log.url, before, { logKeys: [logKey] });
    expect([reasons(rotated), rotated.state?.get('meter')?.leaves.keys]).toEqual([[], [logKey, next.text]]);
    log.leaves.push(...nextLeaves(log, 1));
    log.through = undefined;
    expect(reasons(await auditOf(log.url, rotated.state))).toEqual([]);
    const old = await AlteredLog.of(server.url, 'meter', server.dataDir);
    log.key = old.key;
    expect(reasons(await auditOf(log.url, rotated.state))).toEqual(['bad-signature']);
  });

  it('do not change by the word of another', async () => {
    const log = await copy();
    const own = log.key;
    const next = log.newKey(7);
    log.key = next;
    log.leaves.push(log.control('key-rotated', { logKey: next.text }));
    expect(reasons(await auditOf(await log.listen()))).toEqual(['bad-signature', 'bad-signature']);
    log.key = own;
    expect(reasons(await auditOf(log.url))).toEqual(['bad-signature']);
  });

  it('sign every control leaf', async () => {
    const log = await copy();
    const control = log.control('discarded', { seq: 301 });
    log.leaves.push(control);
    expect(reasons(await auditOf(await log.listen()))).toEqual([]);
    log.leaves[log.leaves.length - 1] = { ...control, data: { seq: 1 } };
    expect(reasons(await auditOf(log.url))).toEqual(['bad-signature']);
  });
});

describe('a log that cannot be read', () => {
  it.each([
    ['no checkpoint', 'checkpoint', 'hello'],
    ['a checkpoint that is no text', 'checkpoint', Uint8Array.of(0xff, 0xfe)],
    ['a bundle that ends early', 'tile/entries/000', Uint8Array.of(0, 9, 1)],
    ['too few entries', 'tile/entries/000', Uint8Array.of(0, 0)],
    ['a short tile', 'tile/1/000.p/1', new Uint8Array(31)],
    ['a tile that is far too long', 'tile/1/000.p/1', new Uint8Array(100_000)],
  ])('%s', async (_, name, body) => {
    const log = await copy();
    log.instead.set(name, body);
    expect(reasons(await auditOf(await log.listen()))).toEqual(['malformed']);
  });

  it.each([
    ['of another stream', (leaves: Json[]) => Object.assign(leaves[9], { stream: 'other' })],
    ['with a member that is unknown', (leaves: Json[]) => Object.assign(leaves[9], { more: 1 })],
    ['without a header', (leaves: Json[]) => leaves.shift()],
    ['with two headers', (leaves: Json[]) => leaves.splice(5, 0, leaves[0])],
    [
      'with a key of another log',
      (leaves: Json[]) => Object.assign(leaves[0], { logKey: pinsOf(server.dataDir, 'other').logKey }),
    ],
    ['with a key that is none', (leaves: Json[]) => Object.assign(leaves[0], { logKey: 'none' })],
  ])('has leaves %s', async (_, alter) => {
    const log = await copy();
    alter(log.leaves);
    expect(reasons(await auditOf(await log.listen()))).toEqual(['malformed']);
  });

  it('has a leaf that is not in canonical form', async () => {
    const log = await copy();
    const spaced = utf8(JSON.stringify(log.leaves[1], null, 1));
    log.leaves = log.leaves.slice(0, 2);
    log.instead.set('tile/entries/000.p/2', encodeEntries([utf8(canonicalize(log.leaves[0])), spaced]));
    const report = await auditOf(await log.listen());
    expect([reasons(report), details(report)]).toEqual([['malformed'], ['leaf 1: it is not in canonical form']]);
  });

  it.each(['checkpoint', 'tile/entries/001.p/46', 'tile/1/000.p/1'])('has no %s', async (name) => {
    const log = await copy();
    log.instead.set(name, undefined);
    expect(reasons(await auditOf(await log.listen()))).toEqual(['unreachable']);
  });

  it('and nobody is there', async () => {
    const log = await copy();
    const url = await log.listen();
    log.close();
    expect(reasons(await auditOf(url))).toEqual(['unreachable']);
    expect(reasons(await auditOf(url, NOTHING, {}, []))).toEqual(['unreachable']);
  });
});

describe('what is remembered', () => {
  it('comes back from the file as it was', async () => {
    const state = await seenNow();
    const file = join(directories.next(), 'state');
    expect(readState(file)).toEqual(new Map());
    writeState(file, state);
    expect(readState(file)).toEqual(state);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(`${file}.unfinished`)).toBe(false);
  });

  it.each([
    ['no JSON', () => 'x'],
    ['another format', (text: string) => text.replace('tidemark-audit/1', 'tidemark-audit/2')],
    ['another size', (text: string) => text.replace(/"leaves":\{"size":\d+/, '"leaves":{"size":1')],
    ['another hash', (text: string) => text.replace(/"frontier":\["../, '"frontier":["00')],
    ['no key', (text: string) => text.replace(/"keys":\[[^\]]*\]/, '"keys":[]')],
    ['intervals out of order', (text: string) => text.replace('[[1,', '[[9,3],[1,')],
  ])('is not taken with %s', async (_, alter) => {
    const file = join(directories.next(), 'state');
    writeState(file, await seenNow());
    const text = readFileSync(file, 'utf8');
    expect(alter(text)).not.toBe(text);
    writeFileSync(file, alter(text));
    expect(() => readState(file)).toThrow(expect.objectContaining({ code: 'state-malformed' }));
  });
});
