import type { LookupOptions } from 'node:dns';
import { describe, expect, test } from 'vitest';
import { OutboundGuard } from '../../src/outbound/guarded-lookup.ts';
import { PublicAddresses, parseCidr, type Standing } from '../../src/outbound/public-address.ts';

const none = new PublicAddresses([]);

const PUBLIC = [
  ...['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255'],
  ...['128.0.0.0', '169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.0', '192.167.255.255'],
  ...['192.169.0.0', '198.17.255.255', '198.20.0.0', '198.51.99.255', '203.0.114.0', '223.255.255.255'],
  ...['2606:4700:4700::1111', '2001:200::1', '2001:4860:4860::8888', '2a00:1450::1', '2003::1', '3ffe::1'],
  ...['::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '64:ff9b::808:808'],
];
const REFUSED: [string, string[]][] = [
  ['this network', ['0.0.0.0', '0.1.2.3', '::']],
  ['loopback', ['127.0.0.1', '127.255.255.255', '::1']],
  ['private', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12:3456::1']],
  ['link-local', ['169.254.169.254', 'fe80::1', 'febf::1', 'fe80::1%eth0', 'fec0::1']],
  ['shared by a carrier', ['100.64.0.1', '100.127.255.255']],
  ['protocols', ['192.0.0.8', '192.88.99.1', '2001::1', '2001:10::1', '2001:20::1', '2001:1ff:ffff::1']],
  ['documentation', ['192.0.2.1', '198.51.100.1', '203.0.113.255', '2001:db8::1', '3fff::1', '3fff:fff::1']],
  ['benchmarks', ['198.18.0.1', '198.19.255.255', '2001:2::1']],
  ['multicast', ['224.0.0.1', '239.255.255.255', 'ff02::1']],
  ['reserved', ['240.0.0.1', '255.255.255.255', '4000::1', '100::1', '5f00::1', 'ffff::']],
  ['the host of a cloud', ['168.63.129.16']],
  ['IPv4 in IPv6', ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.1.2.3', '::127.0.0.1', '::ffff:0:127.0.0.1']],
  ['NAT64', ['64:ff9b::127.0.0.1', '64:ff9b::a00:1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::808:808']],
  ['6to4 and Teredo', ['2002:7f00:1::', '2002:808:808::1', '2001:0:4136:e378::1']],
  ['no address', ['', 'localhost', '127.1', '0x7f.1', '1.2.3.4.5', '[::1]', '01.2.3.4']],
];

test.each(PUBLIC)('%s is public', (address) => {
  expect(none.standing(address)).toBe('public');
});

test.each(REFUSED.flatMap(([what, list]) => list.map((address) => [address, what])))('%s (%s) is not', (address) => {
  expect(none.standing(address)).toBe('refused');
});

test('what the operator allows is called all the same, and nothing beside it', () => {
  const some = new PublicAddresses(
    ['10.1.0.0/16', '127.0.0.1/32', 'fd00::/8', '8.8.8.0/24'].map((one) => parseCidr(one)!),
  );
  const standings: [string, Standing][] = [
    ['10.1.255.255', 'allowed'],
    ['10.2.0.0', 'refused'],
    ['127.0.0.1', 'allowed'],
    ['127.0.0.2', 'refused'],
    ['fd12::1', 'allowed'],
    ['fc00::1', 'refused'],
    ['8.8.8.8', 'allowed'],
    ['8.8.9.8', 'public'],
  ];
  expect(standings.map(([address]) => [address, some.standing(address)])).toEqual(standings);
});

test.each([
  '10.0.0.0/33',
  '10.0.0.0',
  '10.0.0/8',
  '::/129',
  'fe80::1%eth0/64',
  ' 10.0.0.0/8',
  '/8',
  '10.0.0.0/-1',
  'a/8',
])('"%s" is no network', (text) => expect(parseCidr(text)).toBeUndefined());

describe('a URL, however it is spelt', () => {
  const answers: Record<string, string[]> = {
    'private.test': ['10.0.0.1'],
    'both.test': ['10.0.0.1', '93.184.215.14'],
    'public.test': ['93.184.215.14', '2606:2800::1'],
  };
  const guard = new OutboundGuard(new PublicAddresses([parseCidr('192.168.7.0/24')!]), async (name) => {
    const found = answers[name];
    if (found === undefined) throw Object.assign(new TypeError('injected'), { code: 'ENOTFOUND' });
    return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  });

  test.each([
    ...['https://127.0.0.1/', 'https://127.1/', 'https://2130706433/', 'https://0x7f000001/', 'https://0x7f.1/'],
    ...[
      'https://0177.0.0.1/',
      'https://017700000001/',
      'https://127.0.0.1./',
      'https://①②⑦.0.0.1/',
      'https://%31%32%37.1/',
    ],
    ...[
      'https://[::1]/',
      'https://[::ffff:127.0.0.1]/',
      'https://[0:0:0:0:0:ffff:7f00:1]/',
      'https://[::]/',
      'https://0/',
    ],
    ...[
      'https://169.254.169.254/latest/meta-data',
      'https://[64:ff9b::169.254.169.254]/',
      'https://private.test:8443/',
    ],
    // Public, and not without TLS.
    ...['http://8.8.8.8/', 'http://public.test/', 'http://[2606:4700::1111]/'],
  ])('%s is refused', async (url) => {
    await expect(guard.check(new URL(url))).rejects.toMatchObject({ code: 'address-not-allowed' });
  });

  test.each(['https://8.8.8.8/', 'https://[2606:4700::1111]:444/', 'https://public.test/', 'https://both.test/'])(
    '%s may be called',
    async (url) => expect(guard.check(new URL(url))).resolves.toBeUndefined(),
  );

  test.each(['http://192.168.7.9/', 'https://192.168.7.9/'])('%s may, as the operator allows it', async (url) =>
    expect(guard.check(new URL(url))).resolves.toBeUndefined(),
  );

  test('a name that does not resolve says so', async () => {
    await expect(guard.check(new URL('https://none.test/'))).rejects.toMatchObject({ code: 'dns' });
  });

  test('of several addresses only those are called that may be', async () => {
    const lookup = guard.lookup(true);
    const answer = (options: LookupOptions) =>
      new Promise((resolve) => lookup('both.test', options, (...given) => resolve(given)));
    expect(await answer({ all: true })).toEqual([null, [{ address: '93.184.215.14', family: 4 }]]);
    expect(await answer({})).toEqual([null, '93.184.215.14', 4]);
  });

  test('who is refused hears what would allow it', async () => {
    await expect(guard.check(new URL('https://10.0.0.1/'))).rejects.toThrow('SUBSCRIPTIONS_ALLOW_CIDRS');
  });
});
