import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beefBytes, toHex, transactionId } from '@tidemark/proof';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { paymentScript, signedTransaction } from '../../src/anchor/raw-transaction.ts';
import { anchorCommand } from '../../src/cli/anchor.ts';
import { IdentityKey } from '../../src/keys.ts';
import { lockDirectory } from '../../src/store/sqlite/database.ts';
import { Directories } from '../support/directories.ts';
import { Works } from '../support/passage.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const PAYER = new IdentityKey(Buffer.alloc(32, 5));
/** Private key 1, whose address is widely known. */
const SECRET = `${'0'.repeat(63)}1`;
let dir: string;
let file: string;

beforeEach(() => {
  dir = directories.next();
  file = join(dir, 'funding');
  new Works(dir).close();
  writeFileSync(join(dir, 'anchor.key'), SECRET, { mode: 0o600 });
});

/** @returns what it prints */
async function anchor(...args: string[]): Promise<string> {
  let done: Promise<number> = Promise.resolve(0);
  let text = '';
  const print = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    const command = anchorCommand((work) => {
      done = work;
    });
    await command.parseAsync([...args, '--data', dir], { from: 'user' });
    expect(await done).toBe(0);
  } finally {
    print.mockRestore();
  }
  return text;
}

const OURS = paymentScript(new IdentityKey(Buffer.from(SECRET, 'hex')).publicKey);
const THEIRS = paymentScript(PAYER.publicKey);
const coin = { txid: 'ab'.repeat(32), vout: 0, chain: 'main' as const, owner: PAYER.publicKey, satoshis: 5000 };
const outputs = [
  { satoshis: 100, script: THEIRS },
  { satoshis: 2000, script: OURS },
  { satoshis: 0, script: OURS },
  { satoshis: 900, script: OURS },
];
const raw = signedTransaction([coin], outputs, PAYER);
const txid = transactionId(raw);

test('shows the address of the key, per network', async () => {
  const publicKey = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
  expect(await anchor('address')).toBe(`1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH\n${publicKey}\n`);
  expect(await anchor('address', '--chain', 'test')).toBe(`mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r\n${publicKey}\n`);
});

test('makes the key at first, for its owner alone, but never in place of one that has coins', async () => {
  dir = directories.next();
  new Works(dir).close();
  const [, publicKey] = (await anchor('address')).split('\n');
  expect(statSync(join(dir, 'anchor.key')).mode & 0o777).toBe(0o600);
  const paid = signedTransaction([coin], [{ satoshis: 9, script: paymentScript(publicKey!) }], PAYER);
  writeFileSync(join(dir, 'funding'), paid);
  await anchor('fund', join(dir, 'funding'));
  const elsewhere = join(dir, 'lost.key');
  await expect(anchor('address', '--key-file', elsewhere)).rejects.toMatchObject({ code: 'key-missing' });
  expect(existsSync(elsewhere)).toBe(false);
});

test.each([
  ['a binary transaction', raw],
  ['a transaction in hex', `${toHex(raw).toUpperCase()}\n`],
  ['a BEEF', beefBytes({ version: 2, bumps: [], transactions: [{ txid: coin.txid }, { txid, raw }] })],
])('brings in the outputs of %s that pay to the key', async (_, content) => {
  writeFileSync(file, content);
  expect(await anchor('fund', file)).toBe('2 coins, 2900 satoshis; 0 of them known before\n');
  expect(await anchor('fund', file)).toBe('2 coins, 2900 satoshis; 2 of them known before\n');
  expect(await anchor('coins')).toBe(`${txid}:1 2000 free\n${txid}:3 900 free\n2900 satoshis to be spent\n`);
  expect(await anchor('coins', '--chain', 'test')).toBe('0 satoshis to be spent\n');
});

test.each([
  ['no transaction', 'hello', /neither a transaction nor a BEEF/],
  ['a broken transaction', raw.subarray(0, 60), /neither a transaction nor a BEEF/],
  ['nothing for the key', signedTransaction([coin], outputs.slice(0, 1), PAYER), /no output .* pays to the anchor key/],
  ['nothing at all', '', /neither a transaction nor a BEEF/],
])('refuses %s', async (_, content, message) => {
  writeFileSync(file, content);
  await expect(anchor('fund', file)).rejects.toMatchObject({ exitCode: 1, message: expect.stringMatching(message) });
  await expect(anchor('fund', join(dir, 'missing'))).rejects.toMatchObject({ exitCode: 1 });
});

test('refuses a key that others can read, and a directory in use', async () => {
  writeFileSync(file, raw);
  const lock = lockDirectory(dir);
  await expect(anchor('fund', file)).rejects.toMatchObject({ code: 'in-use' });
  lock.release();
  chmodSync(join(dir, 'anchor.key'), 0o640);
  await expect(anchor('address')).rejects.toMatchObject({ code: 'key-readable-by-others' });
});
