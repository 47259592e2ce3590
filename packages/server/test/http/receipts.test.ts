/** Signed receipts: a source that holds one can prove that its events were left out. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseReceipt, RECEIPT_MS, receiptIdsHash, verifyReceipt } from '@tidemark/proof';
import { afterAll, describe, expect, it } from 'vitest';
import { auditReceipt } from '../../src/audit/receipt.ts';
import { AlteredLog } from '../audit/altered-log.ts';
import { Directories } from '../support/directories.ts';
import { runTidemark } from '../support/tidemark.ts';
import { type Json, post } from './client.ts';
import { AT_ONCE, NEVER, pinsOf, settled, useServer } from './server.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const server = useServer({
  sources: [{ id: 'meter' }, { id: 'slow' }],
  streams: [
    { id: 'meter', publish: AT_ONCE },
    { id: 'slow', publish: NEVER },
  ],
});

const send = (sourceId: string, ids: string[], prefer = 'receipt') =>
  post(server.url, { sourceId, events: ids.map((id) => ({ id })) }, { prefer });

async function certified(ids: string[]): Promise<Json> {
  const { body } = await send('meter', ids);
  await settled(server.url, body.inserted.at(-1));
  return body;
}

const judged = (url: string | URL, receipt: Json, now = Date.now()) =>
  auditReceipt(
    { url: new URL('/', url), token: undefined },
    parseReceipt(receipt),
    pinsOf(server.dataDir, 'meter').logKey,
    now,
  );

describe('an answer', () => {
  it('carries a receipt, signed by the log, for what was added', async () => {
    const { body, headers } = await send('meter', ['a1', 'a2', 'a3']);
    await settled(server.url, body.inserted[0]);
    const { receipt } = body;
    expect(receipt).toMatchObject({ source: 'meter', to: receipt.from + 2, idsHash: receiptIdsHash(body.inserted) });
    expect(headers['preference-applied']).toBe('receipt');
    const { logKey } = pinsOf(server.dataDir, 'meter');
    expect(verifyReceipt(parseReceipt(receipt), logKey)).toBe(true);
    for (const changed of [{ to: receipt.to + 1 }, { source: 'slow' }, { idsHash: 'ab'.repeat(32) }]) {
      expect(verifyReceipt(parseReceipt({ ...receipt, ...changed }), logKey)).toBe(false);
    }
    expect(Math.abs(Date.parse(receipt.time) - Date.now())).toBeLessThan(RECEIPT_MS);
  });

  it('carries none unasked, and both preferences where both are', async () => {
    const plain = await send('meter', ['b1'], 'respond-async');
    expect([plain.body.receipt, plain.headers['preference-applied']]).toEqual([undefined, undefined]);
    const both = await send('meter', ['b2'], 'return=minimal, receipt');
    expect([both.body.inserted, both.body.receipt.source]).toEqual([undefined, 'meter']);
    expect(both.headers['preference-applied']).toBe('return=minimal, receipt');
  });

  it('repeats the receipt of a delivery that is sent again, and is silent on a mixture of old events', async () => {
    const { body: first } = await send('meter', ['c1', 'c2']);
    const { body: again } = await send('meter', ['c1', 'c2']);
    const { from, to, idsHash } = first.receipt;
    expect(again).toMatchObject({ duplicates: 2, receipt: { from, to, idsHash } });
    const { body: mixed } = await send('meter', ['c2', 'c1']);
    expect([mixed.duplicates, mixed.receipt]).toEqual([2, undefined]);
    const { body: partly } = await send('meter', ['c2', 'c3']);
    expect(partly.receipt).toMatchObject({ from: to + 1, to: to + 1, idsHash: receiptIdsHash([partly.inserted[1]]) });
  });
});

describe('the log', () => {
  it('keeps what the receipt promises', async () => {
    const { receipt } = await certified(['d1', 'd2']);
    expect(await judged(server.url, receipt)).toEqual({ outcome: 'kept', notes: [] });
  });

  it('that has left an event out is found out, once it is due', async () => {
    const { receipt } = await certified(['e1', 'e2', 'e3']);
    const log = await AlteredLog.of(server.url, 'meter', server.dataDir);
    log.leaves = log.leaves.filter(({ seq }) => seq === undefined || seq < receipt.from + 1);
    log.through = { meter: receipt.from };
    const url = await log.listen();
    const due = Date.parse(receipt.time) + RECEIPT_MS;
    expect(await judged(url, receipt, due - 1)).toMatchObject({ outcome: 'pending', missing: 2 });
    const broken = await judged(url, receipt, due);
    expect(broken).toMatchObject({
      outcome: 'broken',
      reason: 'omitted',
      detail: expect.stringMatching(/^seq \d+ of meter is not in the log/),
    });
    expect(broken).toHaveProperty('checkpoint', expect.stringContaining(log.origin));
    await log.close();
  });

  it('that has another event in its place is found out', async () => {
    const { receipt } = await certified(['f1']);
    const log = await AlteredLog.of(server.url, 'meter', server.dataDir);
    log.leaves.find(({ seq }) => seq === receipt.from)!.eventId = '0'.repeat(32);
    expect(await judged(await log.listen(), receipt)).toMatchObject({ outcome: 'broken', reason: 'replaced' });
    await log.close();
  });
});

describe('tidemark verify-receipt', () => {
  const run = (file: string, ...args: string[]) =>
    runTidemark(['verify-receipt', file, '--log-key', pinsOf(server.dataDir, 'meter').logKey, ...args]);
  const written = (value: unknown) => {
    const file = join(directories.next(), 'receipt.json');
    writeFileSync(file, JSON.stringify(value));
    return file;
  };

  it('takes the answer as it came', async () => {
    const body = await certified(['g1']);
    expect(await run(written(body), '--url', server.url)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^KEPT {2}seq \d+ to \d+ of meter/),
    });
    expect(await run(written(body.receipt))).toMatchObject({ code: 0, stdout: expect.stringMatching(/^SIGNED/) });
    const forged = written({ ...body.receipt, to: body.receipt.to + 1 });
    expect(await run(forged)).toMatchObject({ code: 1, stdout: expect.stringMatching(/signature-invalid/) });
  });

  it('is not told by a stream that could not keep it', async () => {
    const { body, headers } = await send('slow', ['h0']);
    expect([body.receipt, headers['preference-applied']]).toEqual([undefined, undefined]);
  });

  it('does not condemn a log that cannot be read', async () => {
    const body = await certified(['g3']);
    expect(await run(written(body), '--url', 'http://127.0.0.1:1')).toMatchObject({
      code: 4,
      stdout: expect.stringMatching(/^UNCHECKED/),
    });
  });

  it('says what cannot be read', async () => {
    expect(await run(written({ source: 'meter' }))).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/receipt lacks from/),
    });
    expect(await run(join(directories.next(), 'none'))).toMatchObject({ code: 2 });
  });
});
