/** Where packets are anchored, whose block headers are followed, and who witnesses the logs. */
import { PINS, type Pin, ProofError, parseVerifierKey, targetFromBits } from '@tidemark/proof';
import { HeaderError } from '../headers/errors.ts';
import { parseSourceUrl } from '../headers/sources/parse-url.ts';
import { integer, list, object, onlyMembers, text } from './members.ts';
import { ConfigError, invalid, type Settings } from './settings.ts';

export interface AnchorSettings {
  mode: 'local' | 'none';
  intervalMs: number;
}

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
  'WITNESSES_JSON',
];

export function readAnchor(settings: Settings): AnchorSettings {
  return {
    mode: settings.oneOf('ANCHOR', ['local', 'none'], 'local'),
    intervalMs: settings.integer('ANCHOR_INTERVAL_MS', 1000, 100, 86_400_000),
  };
}

export function readHeaders(settings: Settings, anchor: AnchorSettings): HeaderSettings | undefined {
  const file = settings.string('HEADERS_FILE');
  const urls = splitList(settings.string('HEADERS_URLS'));
  const chain = settings.oneOf('HEADERS_CHAIN', ['main', 'test', 'regtest'], 'main');
  const pin = readPin(settings, chain);
  if (file === undefined && urls.length === 0) return undefined;
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
