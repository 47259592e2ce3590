import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Config, loadConfig, type Overrides } from '../src/config.ts';
import { Directories } from './support/directories.ts';
import { refusal, sources, streams } from './support/settings.ts';

const directories = new Directories();
afterAll(() => directories.remove());

function fileWith(content: string): string {
  const path = join(directories.next(), 'tidemark.config.json');
  writeFileSync(path, content);
  return path;
}

const sourceIds = (config: Config) => config.sources.map(({ id }) => id);

describe('without any setting', () => {
  test('safe and offline: loopback, an open default source, the development chain', () => {
    expect(loadConfig({}, {})).toEqual({
      host: '127.0.0.1',
      port: 8788,
      dataDir: resolve('tidemark-data'),
      publicUrl: undefined,
      sources: [
        { id: 'default', stream: 'default', auth: 'none', enabled: true, dedup: 'id', trust: 1, policy: {} },
        {
          ...{ id: 'spool', stream: 'spool', auth: 'none', enabled: true, dedup: 'first', trust: 1 },
          policy: { pii: expect.objectContaining({ mask: expect.arrayContaining(['text']) }) },
        },
      ],
      streams: ['default', 'spool'].map((id) => ({
        ...{ id, datasetId: id, publish: { mode: 'live', maxEvents: 10_000, maxAgeMs: 100 } },
        policy: { license: 'proprietary', classification: 'internal' },
      })),
      batches: {
        publish: {
          ...{
            tokens: [],
            allowedChannels: ['ingest_updates', 'embed_updates'],
            maxMessageBytes: 32_768,
            schema: 'off',
          },
        },
        ...{ mirrorUrl: undefined, redisUrl: undefined, messages: 1_000_000, routes: [] },
        embedding: { endpoint: undefined, token: undefined, dimensions: 512, attempts: 10 },
      },
      searched: new Map([['spool', ['text']]]),
      secrets: new Map(),
      limits: {
        bodyBytes: 32 * 1024 * 1024,
        eventsPerRequest: 100_000,
        eventBytes: 1024 * 1024,
        inFlightBytes: 128 * 1024 * 1024,
      },
      visible: new Map([
        ['default', true],
        ['spool', true],
      ]),
      readTokens: [],
      corsOrigins: [],
      watch: {
        ...{ maxClients: 500, maxPerAddress: undefined, maxPerIdentity: 100, heartbeatMs: 15_000, historyMs: 0 },
        queue: { bytes: 1024 * 1024, messages: 10_000 },
      },
      anchor: { mode: 'local', intervalMs: 1000 },
      headers: undefined,
      witnesses: [],
      identity: { required: true, accept: ['2'] },
      catalog: { advisors: [], shareBytes: 64 * 1024 * 1024 },
      keyFiles: { identity: undefined, log: undefined },
      subscriptions: {
        max: 100,
        allow: [],
        sender: { timeoutMs: 15_000, longestRetryAfterMs: 3_600_000 },
        retry: { attempts: 12, baseMs: 1000, factor: 3, capMs: 3_600_000 },
        breaker: { failures: 5, probeMs: 30_000 },
        bounds: { pending: 1000, dead: 1000, delivered: 10_000, deliveredMs: 604_800_000 },
      },
      minConfirmations: 1,
      bundleMaxDepth: 10,
      feedCacheTtlMs: 1000,
    });
  });

  test('an empty variable is an unset one', () => {
    expect(loadConfig({}, { PORT: '', HOST: '', TIDEMARK_CONFIG: '', INGEST_SOURCES_JSON: '' }).port).toBe(8788);
  });

  test('an outside address gets no open source', () => {
    expect(sourceIds(loadConfig({}, { HOST: '0.0.0.0' }))).toEqual([]);
  });
});

describe('every setting', () => {
  const wholeNumbers: [name: string, min: number, max: number, read: (config: Config) => number][] = [
    ['PORT', 0, 65_535, ({ port }) => port],
    ['WATCH_MAX_CLIENTS', 1, 1_000_000, ({ watch }) => watch.maxClients],
    ['INGEST_SSE_HEARTBEAT_MS', 100, 600_000, ({ watch }) => watch.heartbeatMs],
    ['FEED_CACHE_TTL_MS', 0, 3_600_000, ({ feedCacheTtlMs }) => feedCacheTtlMs],
    ['ANCHOR_INTERVAL_MS', 100, 86_400_000, ({ anchor }) => anchor.intervalMs],
    ['POLICY_MIN_CONFS', 0, 1_000_000, ({ minConfirmations }) => minConfirmations],
    ['BUNDLE_MAX_DEPTH', 1, 1000, ({ bundleMaxDepth }) => bundleMaxDepth],
    ['INGEST_MAX_BODY_BYTES', 1024, 134_217_728, ({ limits }) => limits.bodyBytes],
    ['INGEST_MAX_EVENTS', 1, 1_000_000, ({ limits }) => limits.eventsPerRequest],
    ['INGEST_MAX_EVENT_BYTES', 256, 67_108_864, ({ limits }) => limits.eventBytes],
    ['INGEST_MAX_IN_FLIGHT_BYTES', 33_554_432, 8_589_934_592, ({ limits }) => limits.inFlightBytes],
  ];

  test.each(wholeNumbers)('%s is a whole number from %i to %i', (name, min, max, read) => {
    expect(read(loadConfig({}, { [name]: String(min) }))).toBe(min);
    expect(read(loadConfig({}, { [name]: String(max) }))).toBe(max);
    for (const bad of ['1.5', '1e3', '0x10', ' 1', 'many', '-1', '9'.repeat(30), '9'.repeat(400)]) {
      const { code, message } = refusal({ [name]: bad });
      expect(code).toBe('setting-invalid');
      expect(message).toMatch(new RegExp(`^${name}: must be a whole number from \\d+ to \\d+, not "${bad}"$`));
    }
  });

  test.each(wholeNumbers)('%s has its limits in the file too', (name, _min, max) => {
    const key = name.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    expect(refusal({}, { settings: { [key]: max * 1000 } }).message).toContain(
      `settings: ${key}: must be a whole number`,
    );
    for (const bad of [null, true, [], {}, 1.5]) {
      expect(refusal({}, { settings: { [key]: bad } })).toMatchObject({ code: 'setting-invalid' });
    }
  });

  test.each([
    ['PUBLISH_MODE', ['live', 'batch']],
    ['HEADERS_CHAIN', ['main', 'test', 'regtest']],
  ])('%s is one of %j', (name, values) => {
    for (const value of values) loadConfig({}, { [name]: value });
    expect(refusal({ [name]: 'Live' })).toEqual({
      code: 'setting-invalid',
      message: `${name}: must be one of ${values.join(', ')}, not "Live"`,
    });
  });

  test.each(['INGEST_SOURCES_JSON', 'STREAMS_JSON', 'NORMALIZE_POLICY_JSON'])('%s is JSON', (name) => {
    expect(refusal({ [name]: '[{' })).toEqual({ code: 'setting-invalid', message: `${name}: is not valid JSON` });
    expect(refusal({ [name]: '7' })).toMatchObject({
      code: 'setting-invalid',
      message: expect.stringMatching(`^${name}`),
    });
  });

  test('lists are lists of objects', () => {
    expect(refusal({ INGEST_SOURCES_JSON: '{}' }).message).toBe('INGEST_SOURCES_JSON: must be a list');
    expect(refusal({ STREAMS_JSON: 'null' }).message).toBe('STREAMS_JSON: must be a list');
    expect(refusal({ INGEST_SOURCES_JSON: '[[]]' }).message).toBe('INGEST_SOURCES_JSON[0]: must be an object');
  });

  test('PUBLIC_URL is an http URL, of which the origin counts', () => {
    expect(loadConfig({}, { PUBLIC_URL: 'https://Data.example:8443/' }).publicUrl).toBe('https://data.example:8443');
    for (const bad of ['data.example', 'ftp://data.example', 'javascript:alert(1)', '//data.example']) {
      expect(refusal({ PUBLIC_URL: bad })).toEqual({
        code: 'setting-invalid',
        message: `PUBLIC_URL: must be an http or https URL, not ${JSON.stringify(bad)}`,
      });
    }
  });

  test('text is text', () => {
    for (const key of ['host', 'data', 'publicUrl']) {
      expect(refusal({}, { settings: { [key]: 5 } })).toEqual({
        code: 'setting-invalid',
        message: `settings: ${key}: must be text`,
      });
    }
  });

  test('a policy that cannot be applied is named with its place', () => {
    const bad = { map: { a: 'b' }, required: ['c'] };
    expect(refusal({ NORMALIZE_POLICY_JSON: JSON.stringify(bad) }).message).toMatch(/^NORMALIZE_POLICY_JSON: .*"c"/);
    expect(refusal(sources({ id: 'abc', policy: bad })).message).toMatch(/^INGEST_SOURCES_JSON\[0\]\.policy: .*"c"/);
  });
});

describe('what cannot be meant', () => {
  test('a body that would never fit', () => {
    expect(refusal({ INGEST_MAX_BODY_BYTES: '4096', INGEST_MAX_IN_FLIGHT_BYTES: '4095' })).toEqual({
      code: 'settings-contradict',
      message:
        'INGEST_MAX_IN_FLIGHT_BYTES is smaller than INGEST_MAX_BODY_BYTES: the largest body could never be taken',
    });
    loadConfig({}, { INGEST_MAX_BODY_BYTES: '4096', INGEST_MAX_IN_FLIGHT_BYTES: '4096' });
  });

  test('an unknown TIDEMARK_ variable; the variables of others are theirs', () => {
    expect(refusal({ TIDEMARK_DATTA: '/x' })).toEqual({
      code: 'setting-unknown',
      message: 'TIDEMARK_DATTA: there is no such setting',
    });
    loadConfig({}, { SOMEBODY_ELSES: 'x' });
  });

  test('an unknown key in the file', () => {
    const path = fileWith('{"watchMaxClient": 5}');
    expect(refusal({}, { config: path })).toEqual({
      code: 'setting-unknown',
      message: `${path}: there is no setting "watchMaxClient"`,
    });
    for (const key of ['PORT', 'config', 'tidemarkConfig', '__proto__x']) {
      expect(refusal({}, { settings: { [key]: 'x' } }).code).toBe('setting-unknown');
    }
  });

  test('one setting under two spellings', () => {
    expect(refusal({}, { settings: { sources: [], ingestSourcesJson: [] } })).toEqual({
      code: 'settings-contradict',
      message: 'settings: "ingestSourcesJson" is set under another spelling too',
    });
  });

  test.each(['INGEST_ALLOWLIST_CIDRS'])('%s, which is not built yet', (name) => {
    expect(refusal({ [name]: 'x' })).toEqual({
      code: 'setting-unsupported',
      message: `${name}: is not supported yet; unset it`,
    });
    loadConfig({}, { [name]: '' });
  });

  test('an unsupported setting in the file', () => {
    expect(refusal({}, { settings: { ingestAllowlistCidrs: [] } }).code).toBe('setting-unsupported');
  });
});

describe('the configuration file', () => {
  test('is one JSON object', () => {
    const missing = join(directories.next(), 'missing.json');
    expect(refusal({}, { config: missing }).message).toBe(`configuration file: ${missing} does not exist`);
    const broken = fileWith('{"port": 1');
    expect(refusal({}, { config: broken }).message).toBe(`configuration file: ${broken} is not valid JSON`);
    for (const other of ['[]', '"x"', 'null', '7']) {
      const path = fileWith(other);
      expect(refusal({}, { config: path }).message).toBe(`configuration file: ${path} must hold one JSON object`);
    }
  });

  test('has settings in camel case, sources and streams as plain JSON or as text', () => {
    const list = [{ id: 'abc' }];
    const settings = { port: 1, watchMaxClients: 2, sources: list, streams: list, data: '/tmp/x', normalizePolicy: {} };
    const config = loadConfig({ config: fileWith(JSON.stringify(settings)) }, {});
    expect([config.port, config.watch.maxClients, config.dataDir]).toEqual([1, 2, resolve('/tmp/x')]);
    expect(sourceIds(config)).toEqual(['abc', 'default', 'spool']);
    expect(sourceIds(loadConfig({ settings: { sources: JSON.stringify(list) } }, {}))).toEqual([
      'abc',
      'default',
      'spool',
    ]);
    expect(sourceIds(loadConfig({ settings: { ingestSourcesJson: list } }, {}))).toEqual(['abc', 'default', 'spool']);
  });

  test('yields to the environment, and that to the command line', () => {
    const path = fileWith('{"port": 1, "host": "127.0.0.9", "data": "/tmp/file"}');
    const read = (overrides: Overrides, env: Record<string, string>) => {
      const { port, host, dataDir } = loadConfig(overrides, env);
      return [port, host, dataDir];
    };
    const env = { PORT: '2', HOST: '127.0.0.2', TIDEMARK_DATA: '/tmp/env' };
    const flags = { port: '3', host: '127.0.0.3', data: '/tmp/flag' };
    expect(read({}, { TIDEMARK_CONFIG: path })).toEqual([1, '127.0.0.9', resolve('/tmp/file')]);
    expect(read({ config: path }, env)).toEqual([2, '127.0.0.2', resolve('/tmp/env')]);
    expect(read({ config: path, ...flags }, env)).toEqual([3, '127.0.0.3', resolve('/tmp/flag')]);
    expect(read({ config: path }, { TIDEMARK_CONFIG: '/nowhere' })[0]).toBe(1);
  });

  test('a port on the command line is checked like any other', () => {
    for (const port of ['65536', '-1', 'x', '', '1.5']) {
      expect(refusal({}, { port })).toEqual({
        code: 'setting-invalid',
        message: `--port: must be a number from 0 to 65535, not ${port}`,
      });
    }
  });
});

describe('the result', () => {
  const parts = (value: unknown): object[] =>
    typeof value !== 'object' || value === null || value instanceof Map
      ? []
      : [value, ...Object.values(value).flatMap(parts)];

  test('is frozen all the way down', () => {
    const config = loadConfig(
      {},
      { ...sources({ id: 'abc', policy: { map: { a: 'b' } } }), ...streams({ id: 'abc' }) },
    );
    const all = parts(config);
    expect(all.length).toBeGreaterThan(15);
    expect(all.filter((part) => !Object.isFrozen(part))).toEqual([]);
  });

  test('leaves alone what it was made of', () => {
    const settings = { sources: [{ id: 'abc', policy: { map: { a: 'b' } } }] };
    loadConfig({ settings }, {});
    expect(parts(settings).filter((part) => Object.isFrozen(part))).toEqual([]);
  });
});
