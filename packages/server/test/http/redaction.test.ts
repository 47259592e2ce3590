/** What a policy keeps out is nowhere: not in an answer, not in a file of the data directory, not in the log. */
import { chmodSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventId } from '@tidemark/proof';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fsck } from '../../src/fsck/index.ts';
import type { ServerProcessError } from '../support/server-process.ts';
import { get, ingest, type Json, post } from './client.ts';
import {
  AT_ONCE,
  anchoredProof,
  eventually,
  makeDataDir,
  removeDataDir,
  settled,
  startWith,
  useServer,
} from './server.ts';

const SSN = '078-05-1120';
const EMAIL = 'alice.liddell@example.org';
const people = (policy: object) => ({
  // The spool that is there unless it is declared hashes what is marked.
  sources: [
    { id: 'people', auth: 'none', policy },
    { id: 'spool', policy: {} },
  ],
  streams: [{ id: 'people', publish: AT_ONCE }],
});
const SETTINGS = people({
  map: { ssn: 'ssn', email: 'person.email', temp: 'temp' },
  coerce: { temp: 'number' },
  redact: ['ssn', 'cards.0.number'],
  hash: ['person.email'],
});
const EVENT = { id: 'p1', temp: '36.6', ssn: SSN, person: { email: EMAIL }, cards: [{ number: SSN, kind: 'debit' }] };

describe('of a source that redacts and hashes', () => {
  const server = useServer(SETTINGS);

  test('the raw event, the payload and the proof have the hash, and nothing of the rest', async () => {
    const { status, body } = await post(server.url, { sourceId: 'people', events: [EVENT] });
    expect(status).toBe(200);
    expect(body.inserted).toEqual([eventId('people', 'p1')]);
    const { raw, normalized } = await settled(server.url, body.inserted[0]);
    const hashed = expect.stringMatching(/^hmac-sha256:[0-9a-f]{64}$/);
    expect(raw).toEqual({ id: 'p1', temp: '36.6', person: { email: hashed }, cards: [{ kind: 'debit' }] });
    expect(normalized).toEqual({ email: raw.person.email, temp: 36.6 });
    const proof = await anchoredProof(server.url, body.inserted[0]);
    expect(proof.payload).toEqual(normalized);
  });

  test('another redacted value makes no other event, another hashed one does', async () => {
    const again = await post(server.url, { sourceId: 'people', events: [{ ...EVENT, ssn: '219-09-9999' }] });
    expect(again.body).toMatchObject({ count: 1, duplicates: 1 });
    const moved = { ...EVENT, person: { email: 'alice@example.net' } };
    const revised = await post(server.url, { sourceId: 'people', events: [moved] });
    expect(revised.body).toMatchObject({ inserted: [eventId('people', 'p1')], duplicates: 0 });
    const { versions } = await settled(server.url, eventId('people', 'p1'));
    expect(versions).toHaveLength(2);
  });

  test('no file and no line of the log has any of it, however it came and whatever came of it', async () => {
    const ndjson = `${JSON.stringify({ ...EVENT, id: 'p2' })}\n{"id":"p3","ssn":"${SSN}","x":?}\n{"ssn":${SSN}}`;
    const answers = [
      await ingest(server.url, ndjson, { 'content-type': 'application/x-ndjson' }, '?sourceId=people'),
      await ingest(server.url, `id,ssn\np4,${SSN}\n`, { 'content-type': 'text/csv' }, '?sourceId=people'),
      await ingest(server.url, `id,ssn\np5,${SSN}"x"\n`, { 'content-type': 'text/csv' }, '?sourceId=people'),
      await post(server.url, { sourceId: 'people', events: [{ ...EVENT, id: 'p6', temp: 'warm' }] }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 400, 200]);
    expect(answers[0]?.body.rejected.map(({ error }: Json) => error)).toEqual(['json-malformed', 'json-malformed']);
    expect(answers.map(({ text }) => text).join()).not.toContain('078');
    for (const id of ['p2', 'p4', 'p6']) await settled(server.url, eventId('people', id));
    expect((await get(server.url, `/ingest/events/${eventId('people', 'p6')}`)).body.status).toBe('quarantined');
    const { stdout, stderr } = server.process.output();
    expect(stdout + stderr).not.toContain(SSN);
    expect(filesWith(server.dataDir, SSN)).toEqual([]);
    expect(filesWith(server.dataDir, EMAIL)).toEqual([]);
    // So that the search is known to find what is there.
    expect(filesWith(server.dataDir, '"kind":"debit"')).not.toEqual([]);
  });

  test('the data directory holds together, ids and hashes too', async () => {
    const findings = await eventually(() => {
      const found = fsck(server.dataDir);
      expect(found.notes).toEqual([]);
      return found;
    });
    expect(findings.violations).toEqual([]);
    expect(findings.checked.events).toBe(5);
  });
});

describe('of a source that masks what is marked', () => {
  const PHONE = '(415) 555-0132';
  const CARD = '4111 1111 1111 1111';
  const server = useServer({
    sources: [{ id: 'chats', auth: 'none', policy: { pii: { mask: ['text', 'turns'], redact: ['name'] } } }],
    streams: [{ id: 'chats', publish: AT_ONCE }],
  });
  const chat = { text: `Mail ${EMAIL} or call ${PHONE}.`, turns: [{ says: `It is ${CARD}` }], name: 'Alice Liddell' };
  const masked = { text: 'Mail [email] or call [phone].', turns: [{ says: 'It is [card]' }] };

  test('raw event, payload and proof have the masks, whichever way an event is marked', async () => {
    const { body } = await post(server.url, {
      ...{
        sourceId: 'chats',
        events: [
          { id: 'c1', pii: true, ...chat },
          { id: 'c2', metadata: { pii: true }, ...chat },
        ],
      },
    });
    expect(body.inserted).toEqual(['c1', 'c2'].map((id) => eventId('chats', id)));
    const [first, second] = await Promise.all(body.inserted.map((id: string) => settled(server.url, id)));
    expect(first).toMatchObject({ raw: { id: 'c1', pii: true, ...masked }, normalized: masked });
    expect(second.raw).toEqual({ id: 'c2', metadata: { pii: true }, ...masked });
    expect((await anchoredProof(server.url, body.inserted[0])).payload).toEqual(first.normalized);
  });

  test('no file has what was masked, and every file what was not marked', async () => {
    const other = { id: 'c3', pii: 'true', text: 'jdoe@machine.example' };
    const { body } = await post(server.url, { sourceId: 'chats', events: [other] });
    expect((await settled(server.url, body.inserted[0])).raw).toEqual(other);
    for (const secret of [EMAIL, PHONE, CARD, 'Liddell']) expect(filesWith(server.dataDir, secret)).toEqual([]);
    expect(filesWith(server.dataDir, 'Mail [email] or call [phone].')).not.toEqual([]);
    expect(filesWith(server.dataDir, other.text)).not.toEqual([]);
    const { stdout, stderr } = server.process.output();
    expect(stdout + stderr).not.toContain(EMAIL);
  });

  test('the data directory holds together', async () => {
    const findings = await eventually(() => {
      const found = fsck(server.dataDir);
      expect(found.notes).toEqual([]);
      return found;
    });
    expect(findings).toMatchObject({ violations: [], checked: { events: 3 } });
  });
});

describe('the secret behind the hashes', () => {
  let dir = '';
  beforeAll(() => {
    dir = makeDataDir();
  });
  afterAll(() => removeDataDir(dir));

  const refusal = (settings: object) =>
    startWith(dir, settings).then(
      () => 'started',
      (error: ServerProcessError) => error.message,
    );
  const runOnce = async (settings: object) => (await startWith(dir, settings)).stop();
  const file = () => join(dir, 'hash.key');
  const hashing = people({ hash: ['email'] });

  test('is made in a directory that never needed it, restored where it did', async () => {
    expect(await runOnce(people({}))).toBe(0);
    // As an earlier version leaves a directory.
    rmSync(file());
    expect(await runOnce(hashing)).toBe(0);
    const secret = readFileSync(file(), 'utf8');
    expect(secret).toMatch(/^[0-9a-f]{64}\n$/);
    rmSync(file());
    expect(await refusal(hashing)).toContain('hash.key is missing, and the source "people" hashes fields');
    expect(await runOnce(people({}))).toBe(0);
    expect(await refusal(hashing)).toContain('hash.key is missing');
  });

  test('is needed as well where only what is marked is hashed', async () => {
    rmSync(dir, { recursive: true });
    await runOnce(people({ pii: { hash: ['email'] } }));
    expect(readFileSync(file(), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
  });

  test('is nobody else’s to read', async () => {
    rmSync(dir, { recursive: true });
    await runOnce(hashing);
    chmodSync(file(), 0o644);
    expect(await refusal(hashing)).toContain('hash.key can be read by others');
  });
});

function filesWith(dir: string, text: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(text))
    .map(({ name }) => name);
}
