/** Asking witnesses, good ones and bad ones, over HTTP. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseCheckpoint, parseVerifierKey, verifyCheckpoint } from '@tidemark/proof';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WitnessClient } from '../../src/witness/client.ts';
import { type RunningWitness, startWitness } from '../../src/witness/server.ts';
import { Directories } from '../support/directories.ts';
import { GrownLog } from './grown-log.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const directories = new Directories();
const log = new GrownLog('example.org/log');
const fork = new GrownLog('example.org/log', { name: 'fork', from: 3 });
const running: RunningWitness[] = [];
const servers: Server[] = [];
afterEach(async () => {
  for (const witness of running.splice(0)) await witness.close();
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});
afterAll(() => directories.remove());

async function startOne(): Promise<RunningWitness> {
  const settings = { dataDir: directories.next(), logs: [log.key], name: undefined, host: '127.0.0.1', port: 0 };
  const witness = await startWitness(settings);
  running.push(witness);
  return witness;
}

let witness: RunningWitness;
beforeEach(async () => {
  witness = await startOne();
});

/** A witness that answers as it likes. @returns its URL, and the requests that came */
async function bad(answer: (response: ServerResponse) => void): Promise<{ url: string; bodies: string[] }> {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    bodies.push(Buffer.concat(pieces).toString());
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies };
}

/** For a machine that others use, too. */
const PATIENCE_MS = 20_000;

function clientOf(witnesses: { url: string; key: string }[], by = log, timeoutMs = PATIENCE_MS) {
  const asked: [number, number][] = [];
  const consistency = (_origin: string, from: number, to: number) => {
    asked.push([from, to]);
    return by.proof(from, to);
  };
  return { asked, client: new WitnessClient({ witnesses, consistency, timeoutMs }) };
}

const sizesOf = (bodies: string[]) => bodies.map((body) => body.split('\n', 1)[0]);

describe('a witness that does its part', () => {
  it('cosigns, and is asked from where it is the next time', async () => {
    const { client, asked } = clientOf([witness]);
    for (const size of [5, 8, 8, 300]) {
      const [answer] = await client.submit(log.checkpoint(size));
      expect(answer).toMatchObject({ ok: true, key: witness.key });
      const line = answer?.ok === true ? answer.line : '';
      expect(verifyCheckpoint(parseCheckpoint(log.checkpoint(size) + line), parseVerifierKey(witness.key))).toBe(
        'valid',
      );
    }
    expect(asked).toEqual([
      [5, 8],
      [8, 8],
      [8, 300],
    ]);
  });

  it('is asked once more from the size that it tells, where nothing is remembered', async () => {
    await clientOf([witness]).client.submit(log.checkpoint(5));
    const { client, asked } = clientOf([witness]);
    expect(await client.submit(log.checkpoint(9))).toMatchObject([{ ok: true }]);
    expect(asked).toEqual([[5, 9]]);
  });

  it('refuses a fork, and a checkpoint that is older', async () => {
    await clientOf([witness]).client.submit(log.checkpoint(5));
    const refused = (status: number) => [{ ok: false, failure: { code: 'refused', status } }];
    expect(await clientOf([witness], fork).client.submit(fork.checkpoint(9))).toMatchObject(refused(422));
    expect(await clientOf([witness], fork).client.submit(fork.checkpoint(5))).toMatchObject(refused(409));
    const { client } = clientOf([witness]);
    for (let time = 0; time < 2; time++) expect(await client.submit(log.checkpoint(3))).toMatchObject(refused(409));
    expect(await client.submit(log.checkpoint(7))).toMatchObject([{ ok: true }]);
  });

  it('is one of several, each of which answers for itself', async () => {
    const second = await startOne();
    const third = await bad((response) => response.writeHead(500).end('out of order'));
    const { client } = clientOf([witness, { url: third.url, key: witness.key }, second]);
    expect(await client.submit(log.checkpoint(5))).toMatchObject([
      { ok: true, key: witness.key },
      { ok: false, failure: { code: 'refused', status: 500, text: 'out of order' } },
      { ok: true, key: second.key },
    ]);
  });
});

describe('a witness that does not', () => {
  const submit = async (url: string) =>
    (await clientOf([{ url, key: witness.key }]).client.submit(log.checkpoint(5)))[0];

  it('is not there', async () => {
    const { url } = witness;
    await running.pop()?.close();
    expect(await submit(url)).toMatchObject({ ok: false, failure: { code: 'unreachable', detail: 'ECONNREFUSED' } });
  });

  it('takes too long', async () => {
    const { url } = await bad((response) => response.writeHead(200).write('\u2014 '));
    const { client } = clientOf([{ url, key: witness.key }], log, 100);
    expect(await client.submit(log.checkpoint(5))).toMatchObject([{ ok: false, failure: { code: 'timeout' } }]);
  });

  it.each([
    ['nothing', ''],
    ['no signature line', 'hello\n'],
    ['more than it may', '\u2014 a b\n'.repeat(10_000)],
  ])('answers with %s', async (_, text) => {
    const { url } = await bad((response) => response.writeHead(200).end(text));
    expect(await submit(url)).toMatchObject({ ok: false, failure: { code: 'wrong-cosignature' } });
  });

  it("answers with another's cosignature, or with one of another checkpoint", async () => {
    const second = await startOne();
    const [answer] = await clientOf([second]).client.submit(log.checkpoint(5));
    const [own] = await clientOf([witness]).client.submit(log.checkpoint(4));
    for (const one of [answer, own]) {
      const { url } = await bad((response) => response.writeHead(200).end(one?.ok === true ? one.line : ''));
      expect(await submit(url)).toMatchObject({ ok: false, failure: { code: 'wrong-cosignature' } });
    }
  });

  it('tells sizes without end: it is asked twice, and no more', async () => {
    let size = 1;
    const { url, bodies } = await bad((response) => {
      response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end(`${size++}\n`);
    });
    expect(await submit(url)).toMatchObject({ ok: false, failure: { code: 'refused', status: 409, text: '2' } });
    expect(sizesOf(bodies)).toEqual(['old 0', 'old 1']);
  });

  it('sends to another place', async () => {
    const { url } = await bad((response) => response.writeHead(307, { location: witness.url }).end());
    expect(await submit(url)).toMatchObject({ ok: false, failure: { code: 'refused', status: 307 } });
  });
});

it('takes keys of witnesses alone', () => {
  expect(() => clientOf([{ url: witness.url, key: log.key }])).toThrow(
    expect.objectContaining({ code: 'invalid-key' }),
  );
});
