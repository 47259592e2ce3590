import { appendFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileSource } from '../../src/headers/sources/file.ts';
import { parseSourceUrl } from '../../src/headers/sources/parse-url.ts';
import { Directories } from '../support/directories.ts';
import { bytesOf, mineBlock, mineBranch, PIN, START } from './chain.ts';
import { HeaderServer } from './header-server.ts';

const directories = new Directories();
afterAll(() => directories.remove());
const signal = new AbortController().signal;
const blocks = mineBranch(PIN.hash, 12);
const failsAs = (code: string) => expect.objectContaining({ name: 'HeaderError', code });

describe('a file', () => {
  const knows = (hash: string) => (hash === PIN.hash ? 100 : undefined);
  const fileOf = (bytes: Uint8Array) => {
    const path = join(directories.next(), 'headers');
    writeFileSync(path, bytes);
    return { path, source: new FileSource(path, knows) };
  };

  test('that begins after the pinned block is read from anywhere', async () => {
    const { source } = fileOf(bytesOf(blocks));
    expect(await source.height()).toBe(112);
    expect(await source.read(103, 2)).toEqual({ raw: bytesOf(blocks.slice(2, 4)), next: 105 });
    expect(await source.read(111, 2000)).toEqual({ raw: bytesOf(blocks.slice(10)), next: 113 });
    expect(await source.read(90, 4)).toEqual({ raw: bytesOf(blocks.slice(0, 4)), next: 105 });
    expect(await source.read(113, 1)).toEqual({ raw: Buffer.alloc(0), next: 113 });
  });

  test("may begin with a chain's first block, or a known one", async () => {
    const genesis = mineBlock('00'.repeat(32), START, 0);
    const whole = [genesis, ...mineBranch(genesis.hash, 2)];
    const { source } = fileOf(bytesOf(whole));
    expect(await source.height()).toBe(2);
    expect(await source.read(1, 1)).toEqual({ raw: whole[1]!.raw, next: 2 });
    const { path } = fileOf(bytesOf(blocks));
    const known = new FileSource(path, (hash) => (hash === blocks[0]!.hash ? 7 : undefined));
    expect(await known.height()).toBe(18);
  });

  test('is followed as it grows, is cut within a header, and is replaced', async () => {
    const { path, source } = fileOf(bytesOf(blocks.slice(0, 2)));
    expect(await source.height()).toBe(102);
    appendFileSync(path, blocks[2]!.raw);
    expect(await source.height()).toBe(103);
    truncateSync(path, 81);
    await expect(source.height()).rejects.toThrow(failsAs('source-malformed'));
    await expect(source.read(101, 1)).rejects.toThrow(failsAs('source-malformed'));
    const fresh = mineBranch(PIN.hash, 5, { tag: 1 });
    writeFileSync(`${path}.new`, bytesOf(fresh));
    renameSync(`${path}.new`, path);
    expect(await source.read(104, 9)).toEqual({ raw: bytesOf(fresh.slice(3)), next: 106 });
  });

  test('that is missing, empty, or about something else says so', async () => {
    const missing = new FileSource(join(directories.next(), 'none'), knows);
    await expect(missing.height()).rejects.toThrow(failsAs('source-unreachable'));
    const directory = new FileSource(directories.next(), knows);
    await expect(directory.height()).rejects.toThrow(failsAs('source-unreachable'));
    await expect(fileOf(Buffer.alloc(0)).source.height()).rejects.toThrow(failsAs('source-incomplete'));
    await expect(fileOf(blocks[4]!.raw).source.height()).rejects.toThrow(failsAs('source-disagrees'));
  });
});

describe.each(['chaintracks', 'bhs'])('over HTTP, by %s', (api) => {
  let server: HeaderServer;
  beforeEach(async () => {
    server = await HeaderServer.start(blocks);
  });
  afterEach(() => server.close());
  const source = (timeoutMs = 10_000) => parseSourceUrl(`${api}+http://${server.address}`, timeoutMs);

  test('headers are read as they are', async () => {
    expect(await source().height(signal)).toBe(112);
    expect(await source().read(103, 4, signal)).toEqual({ raw: bytesOf(blocks.slice(2, 6)), next: 107 });
    expect(await source().read(111, 2000, signal)).toEqual({ raw: bytesOf(blocks.slice(10)), next: 113 });
    expect(await source().read(113, 1, signal)).toEqual({ raw: Buffer.alloc(0), next: 113 });
  });

  test('the name shows where, and a token goes to the server alone', async () => {
    const secret = parseSourceUrl(`${api}+http://s%2Fcret@${server.address}/`, 10_000);
    expect(secret.name).toMatch(new RegExp(`^(chaintracks|block headers service) http://${server.address}$`));
    await secret.height(signal);
    expect(server.asked[0]).toMatch(/^\/\S+ Bearer s\/cret$/);
    await source().height(signal);
    expect(server.asked[1]).toMatch(/^\/\S+$/);
  });

  const answers = (status: number, body: string, headers: Record<string, string> = {}) => {
    server.fault = (_, response) => response.writeHead(status, headers).end(body);
  };

  test.each([
    ['an error', 500, '{}', 'source-refused'],
    ['no right', 401, '{}', 'source-refused'],
    ['a redirect', 302, '', 'source-refused'],
    ['no JSON', 200, '<html>', 'source-malformed'],
    ['nothing', 200, '', 'source-malformed'],
    ['null', 200, 'null', 'source-malformed'],
    ['too much', 200, ' '.repeat(10_000), 'source-oversized'],
  ])('an answer of %s is its trouble', async (_, status, body, code) => {
    answers(status, body, { location: '/elsewhere' });
    await expect(source().height(signal)).rejects.toThrow(failsAs(code));
    await expect(source().read(101, 1, signal)).rejects.toThrow(failsAs(code));
    expect(server.asked.some((path) => path.includes('elsewhere'))).toBe(false);
  });

  test('a server that is slow, breaks off or is gone is not reached', async () => {
    server.fault = () => undefined;
    await expect(source(30).height(signal)).rejects.toThrow(failsAs('source-unreachable'));
    server.fault = (_, response) => response.writeHead(200).write('{"st');
    await expect(source(30).height(signal)).rejects.toThrow(failsAs('source-unreachable'));
    server.fault = (request) => request.socket.destroy();
    await expect(source().height(signal)).rejects.toThrow(failsAs('source-unreachable'));
    const gone = source();
    await server.close();
    await expect(gone.height(signal)).rejects.toThrow(failsAs('source-unreachable'));
    server = await HeaderServer.start();
  });
});

describe('an answer in the right form with the wrong content', () => {
  let server: HeaderServer;
  beforeEach(async () => {
    server = await HeaderServer.start(blocks);
  });
  afterEach(() => server.close());
  const answer = (body: unknown) => {
    server.fault = (_, response) => response.end(JSON.stringify(body));
  };

  test.each([
    [{ status: 'success', value: 'zz'.repeat(80) }, 'source-malformed'],
    [{ status: 'success', value: 'ab'.repeat(79) }, 'source-malformed'],
    [{ status: 'success', value: 7 }, 'source-malformed'],
    [{ status: 'success' }, 'source-malformed'],
    [{ status: 'error', code: 'ERR' }, 'source-refused'],
    [[], 'source-refused'],
  ])('by chaintracks: %j', async (body, code) => {
    answer(body);
    const source = parseSourceUrl(`chaintracks+http://${server.address}`, 10_000);
    await expect(source.read(101, 5, signal)).rejects.toThrow(failsAs(code));
  });

  test.each([-1, 1.5, '112', 2 ** 53, null])('a height of %j', async (height) => {
    const malformed = failsAs('source-malformed');
    answer({ status: 'success', value: height, height });
    for (const api of ['chaintracks', 'bhs']) {
      await expect(parseSourceUrl(`${api}+http://${server.address}`, 10_000).height(signal)).rejects.toThrow(malformed);
    }
  });

  test('by a block headers service', async () => {
    const right = {
      version: 1,
      prevBlockHash: '11'.repeat(32),
      merkleRoot: '22'.repeat(32),
      creationTimestamp: 1,
      difficultyTarget: 2,
      nonce: 3,
    };
    const wrong = {
      version: 2 ** 31,
      prevBlockHash: '11',
      merkleRoot: 7,
      creationTimestamp: -1,
      difficultyTarget: 0.5,
      nonce: '3',
    };
    const source = parseSourceUrl(`bhs+http://${server.address}`, 10_000);
    answer([right]);
    const raw = `01000000${'11'.repeat(32)}${'22'.repeat(32)}010000000200000003000000`;
    expect(await source.read(101, 1, signal)).toEqual({ raw: Buffer.from(raw, 'hex'), next: 102 });
    for (const [key, value] of Object.entries(wrong)) {
      answer([{ ...right, [key]: value }]);
      await expect(source.read(101, 1, signal), key).rejects.toThrow(failsAs('source-malformed'));
    }
    for (const body of [{}, [null], [7]]) {
      answer(body);
      await expect(source.read(101, 1, signal)).rejects.toThrow(failsAs('source-malformed'));
    }
  });

  test('more headers than were asked for are cut off', async () => {
    answer({ status: 'success', value: bytesOf(blocks).toString('hex') });
    const source = parseSourceUrl(`chaintracks+http://${server.address}`, 10_000);
    expect(await source.read(101, 5, signal)).toEqual({ raw: bytesOf(blocks.slice(0, 5)), next: 106 });
  });

  test('the stale blocks of a block headers service are left out', async () => {
    server.stale.set(103, [mineBlock(blocks[1]!.hash, START, 9)]);
    server.stale.set(112, [mineBlock(blocks[10]!.hash, START, 9)]);
    const source = parseSourceUrl(`bhs+http://${server.address}`, 10_000);
    expect(await source.read(101, 2000, signal)).toEqual({ raw: bytesOf(blocks), next: 113 });
  });
});

describe('the declaration of a source', () => {
  test.each([
    'https://headers.example',
    'bhs+ftp://headers.example',
    'bhs+https://',
    'woc+https://headers.example',
    'bhs+https://user:sekret@headers.example',
    'bhs+https://headers.example/?sekret=1',
    'bhs+https://headers.example/#sekret',
    'bhs+https://sekret%0a@headers.example',
    'bhs+https://sekret%@headers.example',
    '',
  ])('%j is refused, without being repeated', (text) => {
    const refused = expect.objectContaining({ code: 'source-invalid', message: expect.not.stringContaining('sekret') });
    expect(() => parseSourceUrl(text, 1000)).toThrow(refused);
  });

  test('keeps the path and drops the slash at its end', () => {
    const source = parseSourceUrl('chaintracks+https://headers.example:8443/chaintracks/v1/', 1000);
    expect(source.name).toBe('chaintracks https://headers.example:8443/chaintracks/v1');
  });
});
