/** Everything that the spool is told, by its flags and in the environment. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BATCH_TAG } from '../batch-mark.ts';
import { ConfigError, invalid, Settings } from '../config/settings.ts';
import { isLoopback } from '../config.ts';
import { nearest } from './nearest.ts';
import type { TargetNames } from './notices/requests.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Flags win over the environment. */
export interface SpoolFlags {
  dir?: string | undefined;
  url?: string | undefined;
  source?: string | undefined;
  batchTag?: string | undefined;
  pii?: boolean | undefined;
  giveUpAfter?: string | undefined;
  notifyWait?: string | undefined;
  data?: string | undefined;
  tokenFile?: string | undefined;
}

export interface TemplatePaths {
  open: string;
  done: string;
  embedStart: string;
}

/** Who is told of a batch, and how. */
export type NotifierSettings =
  /** A program of the operator's, as the seed's Go notifier. */
  | { kind: 'program'; bin: string; templates: TemplatePaths; timeoutMs: number; env: Environment }
  /** The operator's templates, rendered here. */
  | { kind: 'templates'; templates: TemplatePaths; timeoutMs: number; env: Environment }
  /** `url` undefined: the server's own `/event-publish`; `token` undefined: the server's admin token. */
  | { kind: 'publish'; url: string | undefined; token: string | undefined; timeoutMs: number; names: TargetNames };

export interface SpoolSettings {
  /** Absolute. */
  dir: string;
  url: string;
  source: string;
  batchTag: string | undefined;
  pii: boolean;
  minBytes: number;
  minFiles: number;
  pollMs: number;
  settleMs: number;
  /** Of a file that is read whole, once it is decompressed. */
  maxFileBytes: number;
  /** How long the server may be out of reach; undefined: for ever. */
  giveUpAfterMs: number | undefined;
  /** How long `--once` waits for its notifications to be taken. */
  notifyWaitMs: number;
  /** The server's, where its admin token is; without one, that in this folder if it is for this machine. */
  dataDir: string | undefined;
  /** With the source's secret. */
  tokenFile: string | undefined;
  notifier: NotifierSettings;
}

const KNOWN: readonly string[] = [
  ...['SPOOL_DIR', 'SPOOL_URL', 'SPOOL_SOURCE', 'SPOOL_TOKEN_FILE', 'SPOOL_BATCH_TAG', 'SPOOL_PII'],
  ...['SPOOL_MIN_FILES', 'SPOOL_MIN_BYTES', 'SPOOL_POLL_INTERVAL', 'SPOOL_SETTLE_MS', 'SPOOL_MAX_FILE_BYTES'],
  ...['SPOOL_GIVE_UP_AFTER', 'SPOOL_NOTIFY_WAIT'],
];
const MIB = 1024 * 1024;
const DAY_S = 86_400;
const DATA = 'tidemark-data';
const TEMPLATES = './tools/notifier/templates';

/**
 * @param here the folder that the process is in, where a server on this machine may have its data
 * @throws ConfigError
 */
export function readSpoolSettings(flags: SpoolFlags, env: Environment = process.env, here = '.'): SpoolSettings {
  assertKnown(env);
  const settings = new Settings({ ...env, ...fromFlags(flags) }, new Map());
  const dir = settings.string('SPOOL_DIR');
  if (dir === undefined) throw invalid('SPOOL_DIR', 'names the folder with incoming/ (or give --dir)');
  const batchTag = settings.string('SPOOL_BATCH_TAG');
  if (batchTag !== undefined && !BATCH_TAG.test(batchTag)) {
    throw invalid('SPOOL_BATCH_TAG', `must match ${BATCH_TAG.source}, not ${JSON.stringify(batchTag)}`);
  }
  const url = httpUrl('SPOOL_URL', settings.string('SPOOL_URL') ?? 'http://127.0.0.1:8788');
  const giveUpAfter = settings.integer('SPOOL_GIVE_UP_AFTER', 0, 0, 365 * DAY_S);
  return {
    dir: resolve(dir),
    url,
    source: settings.string('SPOOL_SOURCE') ?? 'spool',
    batchTag,
    pii: settings.boolean('SPOOL_PII', false),
    minBytes: settings.integer('SPOOL_MIN_BYTES', 4_000_000, 0, Number.MAX_SAFE_INTEGER),
    minFiles: settings.integer('SPOOL_MIN_FILES', 1, 1, 1_000_000_000),
    pollMs: settings.integer('SPOOL_POLL_INTERVAL', 5, 1, DAY_S) * 1000,
    settleMs: settings.integer('SPOOL_SETTLE_MS', 1000, 0, 3_600_000),
    maxFileBytes: settings.integer('SPOOL_MAX_FILE_BYTES', 512 * MIB, 1, 4096 * MIB - 1),
    giveUpAfterMs: giveUpAfter === 0 ? undefined : giveUpAfter * 1000,
    notifyWaitMs: settings.integer('SPOOL_NOTIFY_WAIT', 30, 0, DAY_S) * 1000,
    dataDir: settings.string('TIDEMARK_DATA') ?? dataDirIn(here, url),
    tokenFile: settings.string('SPOOL_TOKEN_FILE'),
    notifier: notifierSettings(settings, env),
  };
}

/** One that is mistyped would stay without effect. */
function assertKnown(env: Environment): void {
  for (const name of Object.keys(env)) {
    if (!name.startsWith('SPOOL_') || KNOWN.includes(name)) continue;
    const meant = nearest(name, KNOWN);
    const hint = meant === undefined ? '' : `; is ${meant} meant?`;
    throw new ConfigError('setting-unknown', `${name}: there is no such setting${hint}`);
  }
}

/** Where `tidemark serve` has its data unless told otherwise; its token is nothing for another machine. */
function dataDirIn(folder: string, url: string): string | undefined {
  const dir = join(folder, DATA);
  return isLoopback(new URL(url).hostname) && existsSync(join(dir, 'admin-token')) ? dir : undefined;
}

/** What a flag says stands under the name of its setting. */
function fromFlags({ pii, ...flags }: SpoolFlags): Environment {
  const named = {
    SPOOL_DIR: flags.dir,
    SPOOL_URL: flags.url,
    SPOOL_SOURCE: flags.source,
    SPOOL_BATCH_TAG: flags.batchTag,
    SPOOL_PII: pii === undefined ? undefined : String(pii),
    SPOOL_GIVE_UP_AFTER: flags.giveUpAfter,
    SPOOL_NOTIFY_WAIT: flags.notifyWait,
    SPOOL_TOKEN_FILE: flags.tokenFile,
    TIDEMARK_DATA: flags.data,
  };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}

function notifierSettings(settings: Settings, env: Environment): NotifierSettings {
  const timeoutMs = settings.integer('NOTIFIER_TIMEOUT', 10, 1, 3600) * 1000;
  const bin = settings.string('NOTIFIER_BIN');
  const given = {
    open: settings.string('NOTIFIER_TPL_OPEN'),
    done: settings.string('NOTIFIER_TPL_DONE'),
    embedStart: settings.string('NOTIFIER_TPL_EMBED_START'),
  };
  const templates = {
    open: given.open ?? `${TEMPLATES}/gate_open.json.tmpl`,
    done: given.done ?? `${TEMPLATES}/gate_done.json.tmpl`,
    embedStart: given.embedStart ?? `${TEMPLATES}/embed_start.json.tmpl`,
  };
  if (bin !== undefined) return { kind: 'program', bin, templates, timeoutMs, env };
  if (Object.values(given).some((path) => path !== undefined)) return { kind: 'templates', templates, timeoutMs, env };
  return { kind: 'publish', timeoutMs, ...target(settings) };
}

/** A target goes with its own token: one is not sent to where the other points. */
function target(settings: Settings): Omit<Extract<NotifierSettings, { kind: 'publish' }>, 'kind' | 'timeoutMs'> {
  for (const name of ['EDGE', 'GATE'] as const) {
    const url = settings.string(`${name}_URL`);
    if (url === undefined) continue;
    const token = settings.string(`${name}_TOKEN`);
    if (token === undefined) {
      throw new ConfigError(
        'settings-contradict',
        `${name}_URL is set and ${name}_TOKEN is not: nothing could be told`,
      );
    }
    const names = { url: `${name}_URL`, token: `${name}_TOKEN` };
    return { url: httpUrl(names.url, url), token: firstOf(token), names };
  }
  const token = firstOf(settings.string('EDGE_TOKEN'));
  const named = token === undefined ? 'the admin token of --data' : 'EDGE_TOKEN';
  return { url: undefined, token, names: { url: undefined, token: named } };
}

/** While tokens are exchanged, several are listed; the first is the one to send. */
function firstOf(tokens: string | undefined): string | undefined {
  const first = tokens?.split(',', 1)[0]?.trim();
  return first === '' ? undefined : first;
}

function httpUrl(name: string, text: string): string {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    throw invalid(name, `must be an http or https URL, not ${JSON.stringify(text)}`);
  }
  return text;
}
