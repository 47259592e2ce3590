import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSpoolSettings } from '../../src/spool/settings.ts';

const DIR = { SPOOL_DIR: '/spool' };

describe('settings of the spool', () => {
  it('know the data of a server that runs from the same folder, on this machine alone', () => {
    const here = mkdtempSync(join(tmpdir(), 'tidemark-here-'));
    mkdirSync(join(here, 'tidemark-data'));
    writeFileSync(join(here, 'tidemark-data', 'admin-token'), 't');
    expect(readSpoolSettings({}, DIR, here).dataDir).toBe(join(here, 'tidemark-data'));
    expect(readSpoolSettings({}, { ...DIR, SPOOL_URL: 'https://example.org' }, here).dataDir).toBeUndefined();
    rmSync(here, { recursive: true });
  });

  it('have defaults', () => {
    expect(readSpoolSettings({}, DIR, '/nowhere')).toEqual({
      ...{ dir: '/spool', url: 'http://127.0.0.1:8788', source: 'spool', batchTag: undefined, pii: false },
      ...{ minBytes: 4_000_000, minFiles: 1, pollMs: 5000, settleMs: 1000, maxFileBytes: 512 * 1024 * 1024 },
      ...{ giveUpAfterMs: undefined, notifyWaitMs: 30_000, dataDir: undefined, tokenFile: undefined },
      notifier: {
        ...{ kind: 'publish', url: undefined, token: undefined, timeoutMs: 10_000 },
        names: { url: undefined, token: 'the admin token of --data' },
      },
    });
  });

  it('are those of the flags, before those of the environment', () => {
    const env = { ...DIR, SPOOL_URL: 'http://a.example', SPOOL_PII: 'false', SPOOL_GIVE_UP_AFTER: '7' };
    const flags = { url: 'https://b.example', pii: true, batchTag: 'x', giveUpAfter: '3', dir: '/other' };
    expect(readSpoolSettings(flags, env)).toMatchObject({
      ...{ dir: '/other', url: 'https://b.example', pii: true, batchTag: 'x', giveUpAfterMs: 3000 },
    });
  });

  it.each([
    [{}, 'SPOOL_DIR: names the folder'],
    [{ ...DIR, SPOOL_MIN_FILES: '0' }, 'SPOOL_MIN_FILES: must be a whole number from 1'],
    [{ ...DIR, SPOOL_MIN_BYTES: '4MB' }, 'SPOOL_MIN_BYTES: must be a whole number'],
    [{ ...DIR, SPOOL_POLL_INTERVAL: '0.5' }, 'SPOOL_POLL_INTERVAL: must be a whole number'],
    [{ ...DIR, SPOOL_PII: 'yes' }, 'SPOOL_PII: must be true or false'],
    [{ ...DIR, SPOOL_URL: 'localhost:8788' }, 'SPOOL_URL: must be an http or https URL'],
    [{ ...DIR, SPOOL_BATCH_TAG: '../x' }, 'SPOOL_BATCH_TAG: must match'],
    [{ ...DIR, EDGE_URL: 'https://e.example/event-publish' }, 'EDGE_URL is set and EDGE_TOKEN is not'],
    [{ ...DIR, SPOOL_MIN_FILE: '2' }, 'SPOOL_MIN_FILE: there is no such setting; is SPOOL_MIN_FILES meant?'],
    [{ ...DIR, SPOOL_TOKENFILE: 'x' }, 'is SPOOL_TOKEN_FILE meant?'],
    [{ ...DIR, SPOOL_COLOUR_OF_THE_BAR: 'x' }, /: there is no such setting$/],
    [{ ...DIR, GATE_URL: 'ftp://e.example', GATE_TOKEN: 't' }, 'GATE_URL: must be an http or https URL'],
  ])('that are wrong stop the start: %j', (env, message) => {
    expect(() => readSpoolSettings({}, env)).toThrow(message);
  });

  it.each([
    ['EDGE before GATE', { EDGE_URL: 'https://e.example', EDGE_TOKEN: 'e' }, 'https://e.example', 'e'],
    [
      'the first of several tokens',
      { EDGE_URL: 'https://e.example', EDGE_TOKEN: ' new, old' },
      'https://e.example',
      'new',
    ],
    ['GATE without EDGE', {}, 'https://g.example', 'g'],
    ['no token of EDGE to GATE', { EDGE_TOKEN: 'e' }, 'https://g.example', 'g'],
  ])('send to %s', (_what, edge, url, token) => {
    const env = { ...DIR, GATE_URL: 'https://g.example', GATE_TOKEN: 'g', ...edge };
    const of = 'EDGE_URL' in edge ? 'EDGE' : 'GATE';
    const names = { url: `${of}_URL`, token: `${of}_TOKEN` };
    expect(readSpoolSettings({}, env).notifier).toEqual({ kind: 'publish', url, token, timeoutMs: 10_000, names });
  });

  it('send to the server itself with the token of EDGE', () => {
    const { notifier } = readSpoolSettings({}, { ...DIR, EDGE_TOKEN: 'e' });
    const names = { url: undefined, token: 'EDGE_TOKEN' };
    expect(notifier).toMatchObject({ kind: 'publish', url: undefined, token: 'e', names });
  });

  it('choose a program before templates, and templates before the plain contract', () => {
    const env = { ...DIR, EDGE_URL: 'https://e.example', EDGE_TOKEN: 'e', NOTIFIER_TPL_DONE: 'd.tmpl' };
    const templates = {
      open: './tools/notifier/templates/gate_open.json.tmpl',
      done: 'd.tmpl',
      embedStart: './tools/notifier/templates/embed_start.json.tmpl',
    };
    expect(readSpoolSettings({}, env).notifier).toEqual({ kind: 'templates', templates, timeoutMs: 10_000, env });
    const withProgram = { ...env, NOTIFIER_BIN: './bin/notifier', NOTIFIER_TIMEOUT: '3' };
    expect(readSpoolSettings({}, withProgram).notifier).toEqual({
      ...{ kind: 'program', bin: './bin/notifier', templates, timeoutMs: 3000, env: withProgram },
    });
  });
});
