/** Where packets are anchored, whose block headers are followed, and who witnesses the logs. */
import { PINS, type Pin, ProofError, parseVerifierKey, targetFromBits } from '@tidemark/proof';
import type { AnchorMode, AnchorSettings } from '../anchor/open.ts';
import { HeaderError } from '../headers/errors.ts';
import { parseSourceUrl } from '../headers/sources/parse-url.ts';
import { integer, list, object, onlyMembers, text } from './members.ts';
import { ConfigError, invalid, type Settings } from './settings.ts';

/** Absent where no headers are followed but those of the development chain. */
export interface HeaderSettings {
  chain: 'main' | 'test' | 'regtest';
  pin: Pin;
  /** A mirror of the chain's headers that others keep up to date. */
  file: string | undefined;
  /** Header services; the scheme says which API. */
  urls: readonly string[];
}

export interface WitnessSettings {
  url: string;
  /** C2SP verifier key of the witness type. */
  key: string;
}

export const ANCHORING_SETTINGS = [
  ...['ANCHOR', 'ANCHOR_INTERVAL_MS', 'HEADERS_CHAIN', 'HEADERS_PIN_JSON', 'HEADERS_FILE', 'HEADERS_URLS'],
  ...['WITNESSES_JSON', 'ARC_URL', 'ARC_TOKEN', 'ANCHOR_KEY_FILE', 'ARC_FEE_PER_KB', 'ARC_MAX_FEE_PER_KB'],
  ...['CERTIFIER_WEBHOOK_URL', 'CERTIFIER_TIMEOUT_MS', 'CERTIFIER_SIGN_FORM'],
  ...['INGEST_RETRY_MAX', 'INGEST_BACKOFF_BASE_MS', 'INGEST_BACKOFF_FACTOR'],
];

const MODES: readonly AnchorMode[] = ['local', 'arc', 'wallet', 'webhook', 'none'];
/** Settings of one mode, which would have no say in another. */
const OF_MODE: readonly [AnchorMode, readonly string[]][] = [
  ['arc', ['ARC_URL', 'ARC_TOKEN', 'ANCHOR_KEY_FILE', 'ARC_FEE_PER_KB', 'ARC_MAX_FEE_PER_KB']],
  ['webhook', ['CERTIFIER_WEBHOOK_URL', 'CERTIFIER_TIMEOUT_MS', 'CERTIFIER_SIGN_FORM']],
];

export function readAnchor(settings: Settings): AnchorSettings {
  const mode = settings.oneOf('ANCHOR', MODES, 'local');
  for (const [other, names] of OF_MODE) {
    const name = other === mode ? undefined : names.find((one) => settings.has(one));
    if (name === undefined) continue;
    throw new ConfigError('settings-contradict', `${settings.label(name)}: is of use with ANCHOR=${other} alone`);
  }
  const anchor = { mode, intervalMs: settings.integer('ANCHOR_INTERVAL_MS', 1000, 100, 86_400_000) };
  if (mode === 'arc') return { ...anchor, arc: readArc(settings) };
  return mode === 'webhook' ? { ...anchor, certifier: readCertifier(settings) } : anchor;
}

function readArc(settings: Settings): NonNullable<AnchorSettings['arc']> {
  const fees = {
    fallback: settings.integer('ARC_FEE_PER_KB', 100, 1, 1_000_000),
    highest: settings.integer('ARC_MAX_FEE_PER_KB', 1000, 1, 1_000_000),
  };
  if (fees.fallback > fees.highest) {
    throw new ConfigError(
      'settings-contradict',
      `${settings.label('ARC_FEE_PER_KB')}: is more than ARC_MAX_FEE_PER_KB`,
    );
  }
  const url = urlOf(settings, 'ARC_URL', 'arc');
  return { url, token: settings.string('ARC_TOKEN'), keyFile: settings.string('ANCHOR_KEY_FILE'), fees };
}

function readCertifier(settings: Settings): NonNullable<AnchorSettings['certifier']> {
  return {
    url: urlOf(settings, 'CERTIFIER_WEBHOOK_URL', 'webhook'),
    timeoutMs: settings.integer('CERTIFIER_TIMEOUT_MS', 8000, 100, 600_000),
    signForm: settings.oneOf('CERTIFIER_SIGN_FORM', ['2', 'A', 'B'], '2'),
    retry: {
      max: settings.integer('INGEST_RETRY_MAX', 5, 0, 1000),
      baseMs: settings.integer('INGEST_BACKOFF_BASE_MS', 500, 1, 3_600_000),
      factor: settings.integer('INGEST_BACKOFF_FACTOR', 2, 1, 100),
    },
  };
}

function urlOf(settings: Settings, name: string, mode: AnchorMode): string {
  const text = settings.string(name);
  if (text === undefined) throw new ConfigError('settings-contradict', `${name}: ANCHOR=${mode} needs it`);
  if (['http:', 'https:'].includes(URL.parse(text)?.protocol ?? '')) return text;
  throw invalid(settings.label(name), 'must be an http or https URL');
}

export function readHeaders(settings: Settings, anchor: AnchorSettings): HeaderSettings | undefined {
  const file = settings.string('HEADERS_FILE');
  const urls = splitList(settings.string('HEADERS_URLS'));
  const chain = settings.oneOf('HEADERS_CHAIN', ['main', 'test', 'regtest'], 'main');
  const pin = readPin(settings, chain);
  if (file === undefined && urls.length === 0) {
    if (anchor.mode !== 'arc' && anchor.mode !== 'wallet') return undefined;
    const why = `ANCHOR=${anchor.mode} counts what block headers show: set HEADERS_FILE or HEADERS_URLS`;
    throw new ConfigError('settings-contradict', `${settings.label('ANCHOR')}: ${why}`);
  }
  if (anchor.mode === 'local') {
    const what = settings.label(file === undefined ? 'HEADERS_URLS' : 'HEADERS_FILE');
    throw new ConfigError('settings-contradict', `${what}: ANCHOR=local follows its own chain; set ANCHOR=none`);
  }
  for (const url of urls) checkUrl(url, settings.label('HEADERS_URLS'));
  if (pin === undefined) {
    const name = settings.label('HEADERS_PIN_JSON');
    throw new ConfigError('settings-contradict', `${name}: the chain "${chain}" needs one, as none ships for it`);
  }
  return { chain, pin, file, urls };
}

export function readWitnesses(settings: Settings): WitnessSettings[] {
  const label = settings.label('WITNESSES_JSON');
  return list(settings.json('WITNESSES_JSON'), label).map((item, index) => {
    const where = `${label}[${index}]`;
    onlyMembers(item, where, ['url', 'key'], []);
    const url = text(item.url, `${where}.url`);
    if (!['http:', 'https:'].includes(URL.parse(url)?.protocol ?? '')) {
      throw invalid(`${where}.url`, 'must be an http or https URL');
    }
    return { url, key: witnessKey(text(item.key, `${where}.key`), `${where}.key`) };
  });
}

function witnessKey(key: string, where: string): string {
  try {
    if (parseVerifierKey(key).type === 'witness') return key;
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    throw invalid(where, cause.message, cause);
  }
  throw invalid(where, 'is the key of a log, not of a witness');
}

function readPin(settings: Settings, chain: HeaderSettings['chain']): Pin | undefined {
  const value = settings.json('HEADERS_PIN_JSON');
  if (value === undefined) return PINS[chain];
  const where = settings.label('HEADERS_PIN_JSON');
  const item = object(value, where);
  onlyMembers(item, where, ['height', 'hash', 'floorBits'], []);
  const hash = text(item.hash, `${where}.hash`);
  if (!/^[0-9a-f]{64}$/.test(hash)) throw invalid(`${where}.hash`, 'must be 64 lower-case hex digits');
  const pin = {
    height: integer(item.height, `${where}.height`, 0, 0x7fff_ffff),
    hash,
    floorBits: integer(item.floorBits, `${where}.floorBits`, 1, 0xffff_ffff),
  };
  try {
    targetFromBits(pin.floorBits);
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    throw invalid(`${where}.floorBits`, cause.message, cause);
  }
  return pin;
}

function checkUrl(url: string, where: string): void {
  try {
    parseSourceUrl(url, 1000);
  } catch (cause) {
    if (!(cause instanceof HeaderError)) throw cause;
    throw invalid(where, cause.message, cause);
  }
}

function splitList(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(',').map((item) => item.trim());
}
