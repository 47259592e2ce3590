import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { refusal, sources, streams } from '../support/settings.ts';

describe('sources', () => {
  test('all that can be declared', () => {
    const declared = {
      ...{ id: 'sensor.a_1-x', name: 'A', type: 'webhook', secret: 's3cret', auth: 'bearer', stream: 'garden' },
      ...{ policy: { required: ['t'] }, trust: 0.5, dedup: 'content', enabled: false },
    };
    const { type: _type, secret: _secret, ...expected } = declared;
    const config = loadConfig({}, sources(declared));
    expect(config.sources[0]).toEqual(expected);
    expect([...config.secrets]).toEqual([['sensor.a_1-x', 's3cret']]);
  });

  test('a secret is kept apart, and makes the source ask for it', () => {
    const config = loadConfig({}, sources({ id: 'abc', secret: 'do-not-show' }));
    expect(config.sources[0]?.auth).toBe('bearer');
    expect(config.secrets.get('abc')).toBe('do-not-show');
    expect(JSON.stringify(config)).not.toContain('do-not-show');
  });

  test('the default policy holds where a source has none', () => {
    const env = { NORMALIZE_POLICY_JSON: '{"required":["x"]}', ...sources({ id: 'abc' }, { id: 'abd', policy: {} }) };
    const policies = loadConfig({}, env).sources.map(({ policy }) => policy);
    // What spools bring has its own.
    expect(policies.slice(0, 3)).toEqual([{ required: ['x'] }, {}, { required: ['x'] }]);
    expect(policies[3]).toHaveProperty('pii');
  });

  test('a declared source named default stands in for the open one', () => {
    const config = loadConfig({}, sources({ id: 'default', secret: 'x' }));
    expect(config.sources.map(({ id }) => id)).toEqual(['default', 'spool']);
    expect(config.sources[0]?.auth).toBe('bearer');
  });

  test.each(['ab', 'a'.repeat(65), 'Abc', '-abc', '.abc', 'a b', 'a/b', 'ä12', '', 7, null])('id %j', (id) => {
    expect(refusal(sources({ id }))).toEqual({
      code: 'setting-invalid',
      message: 'INGEST_SOURCES_JSON[0].id: must be 3 to 64 characters of a-z 0-9 . _ -, the first a letter or digit',
    });
  });

  test('ids that would hide behind routes, and ids that are numbers', () => {
    for (const id of ['events', 'feed', 'keys', 'conflicts']) {
      expect(refusal(sources({ id })).message).toBe(`INGEST_SOURCES_JSON[0].id: "${id}" is reserved`);
      expect(refusal(sources({ id: 'abc', stream: id })).message).toBe(
        `INGEST_SOURCES_JSON[0].stream: "${id}" is reserved`,
      );
    }
    expect(refusal(sources({ id: '0123' })).message).toBe(
      'INGEST_SOURCES_JSON[0].id: needs at least one character that is not a digit',
    );
    loadConfig({}, sources({ id: 'a'.repeat(64) }, { id: '1.5' }, { id: 'constructor' }));
  });

  test('an id twice', () => {
    expect(refusal(sources({ id: 'abc' }, { id: 'abc' }))).toEqual({
      code: 'settings-contradict',
      message: 'INGEST_SOURCES_JSON: "abc" is declared twice',
    });
  });

  test.each([
    [{ auth: 'bearer' }, 'INGEST_SOURCES_JSON[0]: auth "bearer" needs a "secret"'],
    [{ auth: 'none', secret: 'x' }, 'INGEST_SOURCES_JSON[0]: has a "secret", but auth "none" would ignore it'],
    [{ auth: 'hmac', secret: 'x' }, 'INGEST_SOURCES_JSON[0].auth: must be one of bearer, none'],
    [{ secret: '' }, 'INGEST_SOURCES_JSON[0].secret: must be text of 1 to 4096 characters'],
    [{ type: 'mqtt' }, 'INGEST_SOURCES_JSON[0].type: "mqtt" is not supported yet; use "webhook"'],
    [{ enabled: 'no' }, 'INGEST_SOURCES_JSON[0].enabled: must be true or false'],
    [{ dedup: 'none' }, 'INGEST_SOURCES_JSON[0].dedup: must be one of id, content, first'],
    [{ allowlist: [] }, 'INGEST_SOURCES_JSON[0].allowlist: is not supported yet; leave it out'],
    [{ limits: {} }, 'INGEST_SOURCES_JSON[0].limits: is not supported yet; leave it out'],
    [{ trust: 1.1 }, 'INGEST_SOURCES_JSON[0].trust: must be a number from 0 to 1'],
    [{ trust: '1' }, 'INGEST_SOURCES_JSON[0].trust: must be a number from 0 to 1'],
    [
      { secrets: [] },
      'INGEST_SOURCES_JSON[0].secrets: is unknown; known are id, name, type, secret, auth, stream, policy, trust, dedup, enabled',
    ],
  ])('%j is refused', (member, message) => {
    expect(refusal(sources({ id: 'abc', ...member }))).toEqual({ code: 'setting-invalid', message });
  });

  test.each(['0.0.0.0', '::', '192.168.1.5', 'data.example', '127.0.0.1.example', '1270.0.0.1'])(
    'on %s a source without a secret is refused, unless it says that it is open',
    (HOST) => {
      expect(refusal({ HOST, ...sources({ id: 'abc' }) })).toEqual({
        code: 'setting-invalid',
        message:
          'INGEST_SOURCES_JSON[0]: needs a "secret": without one it would be open, and this server is reachable from outside',
      });
      expect(refusal(sources({ id: 'abc' }), { host: HOST }).code).toBe('setting-invalid');
      const config = loadConfig({}, { HOST, ...sources({ id: 'abc', auth: 'none' }, { id: 'abd', secret: 'x' }) });
      expect(config.sources.map(({ id, auth }) => [id, auth])).toEqual([
        ['abc', 'none'],
        ['abd', 'bearer'],
      ]);
    },
  );

  test.each(['127.0.0.1', '127.9.8.7', 'localhost', '::1'])('on %s it is open', (HOST) => {
    expect(loadConfig({}, { HOST, ...sources({ id: 'abc' }) }).sources[0]?.auth).toBe('none');
  });
});

describe('streams', () => {
  test('all that can be declared', () => {
    const declared = {
      ...{ id: 'garden', datasetId: 'Garden', description: 'all of it' },
      ...{ publish: { mode: 'batch', maxEvents: 5, maxAgeMs: 10 } },
      ...{ policy: { license: 'cc0', classification: 'public' } },
    };
    const config = loadConfig({}, { ...streams(declared), ...sources({ id: 'abc', stream: 'garden' }) });
    expect(config.streams.find(({ id }) => id === 'garden')).toEqual(declared);
  });

  test('a source that names no stream feeds one of its own name; several may feed one', () => {
    const env = sources({ id: 'abc' }, { id: 'one', stream: 'both' }, { id: 'two', stream: 'both' });
    expect(loadConfig({}, env).streams.map(({ id }) => id)).toEqual(['abc', 'both', 'default', 'spool']);
  });

  test('PUBLISH_MODE is for streams that say nothing; a stream with a mode gets that mode', () => {
    const batch = { mode: 'batch', maxEvents: 100_000, maxAgeMs: 60_000 };
    const env = {
      PUBLISH_MODE: 'batch',
      ...streams({ id: 'one' }, { id: 'two', publish: { mode: 'live' } }),
      ...sources({ id: 'one' }, { id: 'two' }, { id: 'three' }),
    };
    const publish = Object.fromEntries(loadConfig({}, env).streams.map((stream) => [stream.id, stream.publish]));
    expect(publish).toEqual({
      one: batch,
      two: { mode: 'live', maxEvents: 10_000, maxAgeMs: 100 },
      three: batch,
      default: batch,
      spool: batch,
    });
  });

  test('a stream that nothing feeds', () => {
    expect(refusal(streams({ id: 'lonely' }))).toEqual({
      code: 'settings-contradict',
      message: 'STREAMS_JSON[0]: no source feeds the stream "lonely"',
    });
  });

  test('an id twice', () => {
    expect(refusal(streams({ id: 'default' }, { id: 'default' })).message).toBe(
      'STREAMS_JSON: "default" is declared twice',
    );
  });

  test.each([
    [{ datasetId: 'ab' }, 'STREAMS_JSON[0].datasetId: must be text of 3 to 4096 characters'],
    [{ description: '\ud800' }, 'STREAMS_JSON[0].description: must be text of 1 to 4096 characters'],
    [{ description: 'x'.repeat(4097) }, 'STREAMS_JSON[0].description: must be text of 1 to 4096 characters'],
    [{ publish: [] }, 'STREAMS_JSON[0].publish: must be an object'],
    [{ publish: { mode: 'both' } }, 'STREAMS_JSON[0].publish.mode: must be one of live, batch'],
    [{ publish: { maxEvents: 0 } }, 'STREAMS_JSON[0].publish.maxEvents: must be a whole number from 1 to 1000000'],
    [{ publish: { maxEvents: '5' } }, 'STREAMS_JSON[0].publish.maxEvents: must be a whole number from 1 to 1000000'],
    [{ publish: { maxAgeMs: 9 } }, 'STREAMS_JSON[0].publish.maxAgeMs: must be a whole number from 10 to 86400000'],
    [{ publish: { windowMs: 5 } }, 'STREAMS_JSON[0].publish.windowMs: must be a whole number from 10 to 31622400000'],
    [{ publish: { age: 5 } }, 'STREAMS_JSON[0].publish.age: is unknown; known are mode, maxEvents, maxAgeMs, windowMs'],
    [{ policy: { license: 'x' } }, /^STREAMS_JSON\[0\]\.policy\.classification: must be one of public, internal/],
    [{ policy: { classification: 'public' } }, 'STREAMS_JSON[0].policy.license: must be text of 1 to 4096 characters'],
    [{ policy: { pii_flags: [] } }, 'STREAMS_JSON[0].policy.pii_flags: is not supported yet; leave it out'],
    [{ salted: 'yes' }, 'STREAMS_JSON[0].salted: must be true or false'],
    [{ visibility: 'secret' }, 'STREAMS_JSON[0].visibility: must be one of public, private'],
    [{ id: 'feed' }, 'STREAMS_JSON[0].id: "feed" is reserved'],
  ])('%j is refused', (member, message) => {
    const refused = refusal(streams({ id: 'default', ...member }));
    expect(refused.code).toBe('setting-invalid');
    if (typeof message === 'string') expect(refused.message).toBe(message);
    else expect(refused.message).toMatch(message);
  });
});
