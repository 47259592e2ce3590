/** Audits of a real server, and of servers that cheat: each way is caught, with its reason. */
import { parseCheckpoint } from '@tidemark/proof';
import { describe, expect, it } from 'vitest';
import { get, type Json } from '../http/client.ts';
import { pinsOf } from '../http/server.ts';
import { AlteredLog } from './altered-log.ts';
import { auditOf, details, fused, NOTHING, nextLeaves, reasons, useAudited } from './audited.ts';

const { server, send, copy, seenNow } = useAudited();

describe('a log that is what it says', () => {
  it('is clean, leaf by leaf, on every stream', async () => {
    const { clean, logs } = await auditOf(server.url, NOTHING, {}, []);
    const note = parseCheckpoint((await get(server.url, '/log/meter/checkpoint')).text);
    expect([clean, logs.map(({ stream }) => stream)]).toEqual([true, ['meter', 'other']]);
    expect(logs[0]).toMatchObject({ clean: true, size: 302, read: 302, root: note.root, origin: note.origin });
    expect(logs[0]?.notes).toEqual([expect.stringContaining('trusted on first use')]);
  });

  it('is clean as a copy elsewhere, too: what is checked is not where it is', async () => {
    expect((await auditOf(await (await copy()).listen())).clean).toBe(true);
  });

  it('is held against pins', async () => {
    const { logKey, publisher } = pinsOf(server.dataDir, 'meter');
    const pinned = await auditOf(server.url, NOTHING, { logKeys: [logKey], publisher });
    expect([pinned.clean, pinned.logs[0]?.notes]).toEqual([true, []]);
    const other = pinsOf(server.dataDir, 'other').logKey;
    expect(reasons(await auditOf(server.url, NOTHING, { logKeys: [other] }))).toEqual(['bad-signature']);
    expect(reasons(await auditOf(server.url, NOTHING, { publisher: `02${'11'.repeat(32)}` }))).toEqual([
      'bad-signature',
    ]);
  });

  it('is read on from where the last audit ended', async () => {
    const log = await copy();
    const before = (await auditOf(await log.listen())).state!;
    await send('meter', 300, 320);
    log.asked.length = 0;
    const grown = await AlteredLog.of(server.url, 'meter', server.dataDir);
    log.leaves = grown.leaves;
    log.through = grown.through;
    const { clean, logs, state } = await auditOf(log.url, before);
    expect([clean, logs[0]?.read, logs[0]?.notes]).toEqual([true, 20, []]);
    expect(log.asked.filter((path) => path.includes('entries'))).toEqual(['log/meter/tile/entries/001.p/66']);
    expect(state?.get('meter')?.leaves.sources).toEqual({ meter: { seen: [[1, 321]], quarantined: [[301, 301]] } });
    expect((await auditOf(server.url, state)).logs[0]).toMatchObject({ clean: true, read: 0 });
  });

  it('has nothing to hide where nothing is', async () => {
    const report = await auditOf(server.url, NOTHING, {}, ['nowhere']);
    expect([reasons(report), report.state]).toEqual([['unreachable'], undefined]);
  });
});

describe('a log that was rewritten', () => {
  it('with another event in place of one that was seen', async () => {
    const before = await seenNow();
    const log = await copy();
    log.leaves[5].payloadHash = 'ab'.repeat(32);
    log.leaves.push(...nextLeaves(log, 3));
    const report = await auditOf(await log.listen(), before);
    expect(reasons(report)).toEqual(['rewritten']);
    expect(report.logs[0]?.findings[0]?.evidence).toEqual([before.get('meter')?.checkpoint, log.checkpoint]);
    expect(report.state).toBeUndefined();
  });

  it('to be shorter than it was', async () => {
    const before = await seenNow();
    const log = await copy();
    log.leaves.pop();
    expect(reasons(await auditOf(await log.listen(), before))).toEqual(['rewritten']);
  });

  it('at the same length: two checkpoints of one size are a fork', async () => {
    const before = await seenNow();
    const log = await copy();
    log.leaves[5].payloadHash = 'ab'.repeat(32);
    const report = await auditOf(await log.listen(), before);
    expect(reasons(report)).toEqual(['forked']);
    expect(report.logs[0]?.findings[0]?.evidence?.length).toBe(2);
  });

  it('is not what a log is called whose checkpoint another has signed', async () => {
    const before = await seenNow();
    const log = await copy();
    log.leaves[5].payloadHash = 'ab'.repeat(32);
    log.key = log.newKey(9);
    expect(reasons(await auditOf(await log.listen(), before))).toEqual(['bad-signature']);
    log.leaves.push(...nextLeaves(log, 1));
    expect(reasons(await auditOf(log.url, before))).toEqual(['rewritten']);
  });

  it('and is gone from the list: it is asked for all the same', async () => {
    const before = await seenNow();
    const log = await copy();
    const gone = new Map([['vanished', before.get('meter')!]]);
    const report = await auditOf(await log.listen(), gone, {}, []);
    expect(report.logs.map(({ stream, clean }) => [stream, clean])).toEqual([
      ['meter', true],
      ['vanished', false],
    ]);
  });
});

describe('a log that leaves events out', () => {
  it('in the middle, under a manifest that claims to have them', async () => {
    const log = await copy();
    log.leaves.splice(10, 2);
    const report = await auditOf(await log.listen());
    expect(reasons(report)).toEqual(['omitted']);
    expect(details(report)).toEqual(['seq 10 to 11 of meter is not in the log']);
  });

  it('at the end, under a manifest that claims to have them', async () => {
    const log = await copy();
    const through = log.through?.meter ?? 0;
    log.leaves.pop();
    expect(details(await auditOf(await log.listen()))).toEqual([`seq ${through} of meter is not in the log`]);
  });

  it('without any manifest', async () => {
    const log = await copy();
    log.leaves.splice(10, 1);
    log.through = undefined;
    expect(reasons(await auditOf(await log.listen()))).toEqual(['omitted']);
  });

  it('but those that it does not claim to have are still to come, and are held to come', async () => {
    const log = await copy();
    const all = [...log.leaves];
    const [late] = log.leaves.splice(10, 1);
    log.through = { meter: 9 };
    const early = await auditOf(await log.listen());
    expect([early.clean, early.logs[0]?.notes[0]]).toEqual([
      true,
      'seq 10 of meter, and perhaps more, is still to come',
    ]);
    log.leaves.push(late);
    log.through = { meter: all.length - 1 };
    expect((await auditOf(log.url, early.state)).clean).toBe(true);
  });

  it('is held to what it owed before', async () => {
    const log = await copy();
    log.leaves.splice(10, 1);
    log.through = { meter: 9 };
    const early = await auditOf(await log.listen());
    log.leaves.push(...nextLeaves(log, 1));
    log.through = { meter: 10 };
    expect(reasons(await auditOf(log.url, early.state))).toEqual(['omitted']);
  });
});

describe('a log that has events twice', () => {
  const quarantined = (log: AlteredLog) => log.leaves.find(({ kind }) => kind === 'quarantined');
  const released = (log: AlteredLog): Json => {
    const { reasonsHash, ...leaf } = quarantined(log);
    return { ...leaf, kind: 'record', payloadHash: reasonsHash, supersedes: [leaf.source, leaf.seq] };
  };

  it.each([
    ['a record', (log: AlteredLog) => [log.leaves[7]]],
    ['what is in quarantine', (log: AlteredLog) => [quarantined(log)]],
    ['a release of what is in no quarantine', (log: AlteredLog) => [{ ...log.leaves[7], supersedes: ['meter', 7] }]],
    ['a second release', (log: AlteredLog) => [released(log), released(log)]],
    ['an input of a fused record', (log: AlteredLog) => [fused(log, 7)]],
  ])('%s', async (_, more) => {
    const log = await copy();
    log.leaves.push(...more(log));
    const report = await auditOf(await log.listen());
    expect(reasons(report)).toEqual(['duplicated']);
    expect(details(report)[0]).toContain(`leaf ${log.leaves.length - 1} `);
  });

  it.each([
    ['a release', (log: AlteredLog) => [released(log)]],
    ['a correction of a fused record', (log: AlteredLog) => [{ ...fused(log, 7), supersedes: 'cd'.repeat(32) }]],
    ['what was in quarantine, fused', (log: AlteredLog) => [fused(log, quarantined(log).seq)]],
  ])('but for %s, which says what it supersedes', async (_, more) => {
    const log = await copy();
    log.leaves.push(...more(log));
    expect(reasons(await auditOf(await log.listen()))).toEqual([]);
  });

  it('lists a hundred of them, and counts the rest', async () => {
    const log = await copy();
    log.leaves.push(...log.leaves.slice(1, 151));
    const [found] = (await auditOf(await log.listen())).logs;
    expect([found?.findings.length, found?.findingCount]).toEqual([100, 150]);
  });
});

describe('a log that is not of one piece', () => {
  it('has entries of another tree', async () => {
    const log = await copy();
    const other = await AlteredLog.of(server.url, 'meter', server.dataDir);
    other.leaves[3].payloadHash = 'ab'.repeat(32);
    const response = await fetch(new URL('log/meter/tile/entries/000', await other.listen()));
    other.close();
    log.instead.set('tile/entries/000', new Uint8Array(await response.arrayBuffer()));
    expect(reasons(await auditOf(await log.listen()))).toEqual(['root-mismatch']);
  });

  it('has tiles of another tree', async () => {
    const log = await copy();
    log.instead.set('tile/1/000.p/1', new Uint8Array(32));
    expect(reasons(await auditOf(await log.listen()))).toEqual(['root-mismatch']);
  });

  it('has tiles that do not lead from the seen tree: wrong, but not a rewriting', async () => {
    const before = await seenNow();
    const log = await copy();
    log.leaves.push(...nextLeaves(log, 40));
    const width = log.leaves.length - 256;
    log.instead.set(`tile/0/001.p/${width}`, new Uint8Array(32 * width));
    expect(reasons(await auditOf(await log.listen(), before))).toEqual(['root-mismatch']);
  });

  it('has a manifest of another packet', async () => {
    const log = await copy();
    const { text } = await get(server.url, '/log/meter/manifest?size=100');
    log.instead.set(`manifest?size=${log.leaves.length}`, text);
    expect(reasons(await auditOf(await log.listen()))).toEqual(['root-mismatch']);
  });

  it('has a manifest that nobody has signed', async () => {
    const log = await copy();
    const url = await log.listen();
    const size = `manifest?size=${log.leaves.length}`;
    const { manifest } = (await get(url.href, `/log/meter/${size}`)).body;
    log.instead.set(size, JSON.stringify({ manifest: { ...manifest, description: 'altered' } }));
    expect(reasons(await auditOf(url))).toEqual(['bad-signature']);
    const { signatures: _, ...unsigned } = manifest;
    log.instead.set(size, JSON.stringify({ manifest: unsigned }));
    expect(reasons(await auditOf(url))).toEqual(['bad-signature']);
  });
});
