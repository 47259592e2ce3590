import { describe, expect, it, onTestFinished } from 'vitest';
import { call, exchange, get, post } from './client.ts';
import { eventually, settled, useServer } from './server.ts';
import { Watcher } from './watcher.ts';

const server = useServer({
  sources: [{ id: 'keyed', secret: 'a-secret' }],
  publicUrl: 'https://tidemark.example:8443',
  feedCacheTtlMs: 60_000,
});

describe('health', () => {
  it('/health/live says that the process answers', async () => {
    const { status, body } = await get(server.url, '/health/live');
    expect([status, body]).toEqual([200, { status: 'ok' }]);
  });

  it.each(['/health', '/health/ready'])('%s says that the work is done', async (path) => {
    const { body: sent } = await post(server.url, { events: [{ id: path }] });
    await settled(server.url, sent.inserted[0]);
    // The ledger can be read a moment before the news of it is there.
    await eventually(async () => {
      const { status, body } = await get(server.url, path);
      expect(status).toBe(200);
      expect(body).toMatchObject({ status: 'ok', problems: [], backlog: 0, lagMs: 0, sourcesWithSecret: 1 });
      expect(body.journalHead).toBeGreaterThan(0);
    });
  });
});

interface Family {
  type: string;
  samples: Map<string, number>;
}

/** The Prometheus text format, version 0.0.4, as strictly as a scraper could take it. */
function parseMetrics(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let described = '';
  for (const line of text.trimEnd().split('\n')) {
    if (line === '') continue;
    const help = /^# HELP ([a-z_]+) \S.*$/.exec(line);
    const type = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line);
    const sample = /^([a-z_]+)(\{[a-z_]+="[^"\\]*"(?:,[a-z_]+="[^"\\]*")*\})? (\S+)$/.exec(line);
    if (help !== null) described = help[1]!;
    else if (type !== null) {
      expect(type[1]).toBe(described);
      families.set(type[1]!, { type: type[2]!, samples: new Map() });
    } else {
      const [, name, labels = '', value] = sample ?? expect.fail(`not a metric: ${line}`);
      const family = families.get(described)!;
      const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      expect(suffixes.map((suffix) => described + suffix)).toContain(name);
      expect(family.samples.has(name + labels)).toBe(false);
      expect(Number(value)).not.toBeNaN();
      family.samples.set(name + labels, Number(value));
    }
  }
  return families;
}

describe('/metrics', () => {
  it('parses, and counts what happened', async () => {
    const { body } = await post(server.url, { events: [{ id: 'metric' }] });
    await settled(server.url, body.inserted[0]);
    await eventually(async () => expect((await get(server.url, '/health')).body.backlog).toBe(0));
    await get(server.url, '/nothing-here');
    const { status, headers, text } = await get(server.url, '/metrics');
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    const families = parseMetrics(text);
    const sample = (family: string, rest = '') => families.get(family)?.samples.get(family + rest);
    expect(sample('tidemark_http_requests_total', '{route="/ingest/events",code="200"}')).toBeGreaterThan(0);
    expect(sample('tidemark_http_requests_total', '{route="unknown",code="404"}')).toBe(1);
    expect(sample('tidemark_certification_seconds', '_count')).toBeGreaterThan(0);
    expect(sample('tidemark_backlog_items')).toBe(0);
    expect(sample('tidemark_deliveries_pending')).toBe(0);
    expect(sample('tidemark_journal_head')).toBe((await get(server.url, '/health')).body.journalHead);
    expect(sample('tidemark_ledger_head')).toBeGreaterThan(0);
  });

  it('counts what followers were told, and pages that were kept', async () => {
    const total = async (family: string) => {
      const { text } = await get(server.url, '/metrics');
      return parseMetrics(text).get(family)?.samples.get(family) ?? Number.NaN;
    };
    const hits = await total('tidemark_feed_cache_hits_total');
    const told = await total('tidemark_watch_messages_total');
    const watcher = await Watcher.open(server.url, '?type=certified');
    onTestFinished(() => watcher.close());
    const { body } = await post(server.url, { events: [{ id: 'told' }] });
    await settled(server.url, body.inserted[0]);
    await watcher.until((one) => one.messages().length === 1);
    expect(await total('tidemark_watch_messages_total')).toBe(told + 1);
    for (let n = 0; n < 3; n++) await get(server.url, '/feed?limit=1');
    expect(await total('tidemark_feed_cache_hits_total')).toBe(hits + 2);
    expect(await total('tidemark_watch_too_slow_total')).toBe(0);
  });

  it('has no label that a client can make up', async () => {
    for (let n = 0; n < 20; n++) await get(server.url, `/made-up-${n}?x=${n}`);
    expect((await get(server.url, '/metrics')).text).not.toContain('made-up');
  });
});

describe('a path or method that is not there', () => {
  it.each([
    ['GET', '/nothing', 404, 'not-found'],
    ['POST', '/nothing', 404, 'not-found'],
    ['GET', '/ingest/events/', 405, 'method-not-allowed'],
    ['GET', '/ingest/events', 405, 'method-not-allowed'],
    ['PUT', '/ingest/events', 405, 'method-not-allowed'],
    ['DELETE', `/ingest/events/${'0'.repeat(32)}`, 405, 'method-not-allowed'],
    ['POST', '/feed', 405, 'method-not-allowed'],
    ['PATCH', '/watch', 405, 'method-not-allowed'],
    ['POST', '/health', 405, 'method-not-allowed'],
    ['POST', '/', 405, 'method-not-allowed'],
    ['GET', '/%zz', 400, 'bad-request'],
    ['GET', '/..%2f..%2fetc%2fpasswd', 404, 'not-found'],
  ])('%s %s is %i', async (method, path, status, error) => {
    const reply = await call(server.url, path, { method });
    expect([reply.status, reply.body.error]).toEqual([status, error]);
    expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(reply.body).toMatchObject({ type: `urn:tidemark:problem:${error}`, status, instance: path });
    expect(reply.headers.allow !== undefined).toBe(status === 405);
  });

  it('405 names what the path takes', async () => {
    expect((await call(server.url, '/feed', { method: 'POST' })).headers.allow).toBe('GET, HEAD');
    expect((await get(server.url, '/ingest/events')).headers.allow).toBe('POST');
  });

  it('HEAD is GET without the body', async () => {
    const { status, text } = await call(server.url, '/feed', { method: 'HEAD' });
    expect([status, text]).toEqual([200, '']);
  });
});

describe('the Host header', () => {
  const paths = [
    '/',
    '/feed',
    '/ingest/feed',
    '/ingest/conflicts',
    '/watch',
    '/metrics',
    '/health',
    `/ingest/events/${'0'.repeat(32)}/proof`,
  ];

  it.each([
    'evil.example',
    'evil.example:80',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    '0.0.0.0',
  ])('%s is turned away everywhere: a page elsewhere cannot read along by DNS rebinding', async (host) => {
    for (const path of paths) {
      const { status, body } = await get(server.url, path, { host });
      expect([path, status, body.error]).toEqual([path, 421, 'host-not-allowed']);
    }
    const { status } = await post(server.url, { events: [{ id: `from-${host}` }] }, { host });
    expect(status).toBe(421);
    expect((await get(server.url, '/ingest/feed')).text).not.toContain(`from-${host}`);
  });

  it.each(['localhost', 'localhost:9999', '127.0.0.1', '127.0.0.2:80', '[::1]', '[::1]:80', 'tidemark.example'])(
    '%s is answered',
    async (host) => {
      expect((await get(server.url, '/feed', { host })).status).toBe(200);
    },
  );

  it('has to be there', async () => {
    expect(await exchange(server.url, 'GET /feed HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
    expect(await exchange(server.url, 'GET /feed HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 421 /);
  });
});
