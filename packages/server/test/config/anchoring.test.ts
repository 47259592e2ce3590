import { PINS } from '@tidemark/proof';
import { expect, test } from 'vitest';
import { type ConfigError, loadConfig } from '../../src/config.ts';

const WITNESS = 'witness.example/w1+9c74d18f+BDyxv5lOzQnmkF7X7ZFzLBiDwv7oyY8N5jLZxLLiHHQ2';
const load = (settings: object) => loadConfig({ settings }, {});
const refusal = (settings: object) => {
  try {
    load(settings);
    return undefined;
  } catch (error) {
    const { code, message } = error as ConfigError;
    return `${code} ${message}`;
  }
};

test('headers are followed from a file and from services, from the pin that ships', () => {
  const headersUrls = 'chaintracks+https://one.example, bhs+http://key@127.0.0.1:8080';
  expect(load({ anchor: 'none', headersFile: '/var/lib/headers', headersUrls }).headers).toEqual({
    chain: 'main',
    pin: PINS.main,
    file: '/var/lib/headers',
    urls: ['chaintracks+https://one.example', 'bhs+http://key@127.0.0.1:8080'],
  });
  expect(load({ anchor: 'none' }).headers).toBeUndefined();
});

test('another chain brings its own pin', () => {
  const headersPinJson = { height: 7, hash: 'ab'.repeat(32), floorBits: 0x207fffff };
  const { headers } = load({ anchor: 'none', headersFile: 'x', headersChain: 'regtest', headersPinJson });
  expect(headers).toEqual({ chain: 'regtest', pin: headersPinJson, file: 'x', urls: [] });
});

test.each([
  [
    { headersFile: 'x' },
    'settings-contradict settings: headersFile: ANCHOR=local follows its own chain; set ANCHOR=none',
  ],
  [
    { anchor: 'none', headersFile: 'x', headersChain: 'test' },
    'settings-contradict HEADERS_PIN_JSON: the chain "test" needs one, as none ships for it',
  ],
  [{ anchor: 'none', headersPinJson: { height: 1 } }, /^setting-invalid settings: headersPinJson.hash/],
  [
    { anchor: 'none', headersPinJson: { height: 1, hash: 'ab'.repeat(32), floorBits: 0x1d80ffff } },
    /^setting-invalid settings: headersPinJson.floorBits: .*no target/,
  ],
  [{ anchor: 'none', headersUrls: 'https://one.example' }, /^setting-invalid settings: headersUrls: .*chaintracks/],
  [{ arcUrl: 'https://arc.example' }, 'settings-contradict settings: arcUrl: is of use with ANCHOR=arc alone'],
  [{ anchor: 'arc' }, 'settings-contradict ARC_URL: ANCHOR=arc needs it'],
  [{ anchor: 'arc', arcUrl: 'arc.example' }, 'setting-invalid settings: arcUrl: must be an http or https URL'],
  [
    { anchor: 'arc', arcUrl: 'https://arc.example' },
    'settings-contradict settings: anchor: ANCHOR=arc counts what block headers show: set HEADERS_FILE or HEADERS_URLS',
  ],
  [
    { anchor: 'arc', arcUrl: 'https://arc.example', arcFeePerKb: 2000 },
    'settings-contradict settings: arcFeePerKb: is more than ARC_MAX_FEE_PER_KB',
  ],
  [{ anchor: 'wallet' }, /^settings-contradict settings: anchor: ANCHOR=wallet counts/],
  [{ anchor: 'webhook' }, 'settings-contradict CERTIFIER_WEBHOOK_URL: ANCHOR=webhook needs it'],
  [
    { certifierWebhookUrl: 'http://a.example' },
    'settings-contradict settings: certifierWebhookUrl: is of use with ANCHOR=webhook alone',
  ],
  [{ anchor: 'Live' }, /^setting-invalid settings: anchor: must be one of local, arc, wallet, webhook, none/],
  [{ headersChain: 'bch' }, /^setting-invalid settings: headersChain: must be one of main, test, regtest/],
  [{ witnessesJson: [{ url: 'ftp://w', key: WITNESS }] }, /^setting-invalid settings: witnessesJson\[0\].url/],
  [{ witnessesJson: [{ url: 'http://w', key: 'x' }] }, /^setting-invalid settings: witnessesJson\[0\].key/],
  [{ identityRequired: 'no' }, /^setting-invalid settings: identityRequired: must be true or false/],
  [{ identityAccept: '2,B' }, /^setting-invalid settings: identityAccept: is a list of the forms 2 and A, not "B"/],
])('%j stops the start', (settings, message) => {
  if (typeof message === 'string') expect(refusal(settings)).toBe(message);
  else expect(refusal(settings)).toMatch(message);
});

test('an agent is asked with the retries of the seed', () => {
  const { anchor } = load({ anchor: 'webhook', certifierWebhookUrl: 'http://localhost:9099/webhook' });
  expect(anchor).toEqual({
    mode: 'webhook',
    intervalMs: 1000,
    certifier: {
      ...{ url: 'http://localhost:9099/webhook', timeoutMs: 8000, signForm: '2' },
      retry: { max: 5, baseMs: 500, factor: 2 },
    },
  });
});

test('who may publish', () => {
  expect(load({ identityRequired: false, identityAccept: '2, A' }).identity).toEqual({
    required: false,
    accept: ['2', 'A'],
  });
});
