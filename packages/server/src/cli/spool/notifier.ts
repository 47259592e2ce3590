/** Whom the spool tells of its batches, from its settings. */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { plaintextWarning } from '../../notify/notifier.ts';
import type { SpoolLog } from '../../spool/log.ts';
import type { Notifier } from '../../spool/notices/notice.ts';
import { programNotifier } from '../../spool/notices/program.ts';
import { publishNotifier, templateNotifier } from '../../spool/notices/requests.ts';
import type { SpoolSettings, TemplatePaths } from '../../spool/settings.ts';
import { CliError, MISUSE } from '../errors.ts';

/** @throws CliError when nobody could be told */
export function notifierOf({ notifier, url: server, dataDir, tokenFile }: SpoolSettings, log: SpoolLog): Notifier {
  if (tokenFile !== undefined) warnInTheClear(server, log);
  switch (notifier.kind) {
    case 'program':
      assertThere(notifier.templates);
      assertExecutable(notifier.bin);
      return programNotifier(notifier);
    case 'templates':
      assertThere(notifier.templates);
      return templateNotifier({ ...notifier, log });
    case 'publish': {
      const url = notifier.url ?? new URL('/event-publish', server).href;
      const token = notifier.token ?? ownToken(dataDir);
      warnInTheClear(url, log);
      return publishNotifier({ url, token, timeoutMs: notifier.timeoutMs, names: notifier.names });
    }
  }
}

/** @throws CliError */
export function adminTokenOf(dataDir: string): string {
  return readSecret(join(dataDir, 'admin-token'), '--data');
}

/** @throws CliError */
export function readSecret(file: string, option: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new CliError(MISUSE, `${file} cannot be read (${option})`, { cause });
  }
}

function ownToken(dataDir: string | undefined): string {
  if (dataDir === undefined) {
    const ways = 'EDGE_URL and EDGE_TOKEN, GATE_URL and GATE_TOKEN, NOTIFIER_BIN';
    throw new CliError(MISUSE, `who is to be told of a batch? Set ${ways}, or give --data: the server's admin token`);
  }
  return adminTokenOf(dataDir);
}

function assertThere(templates: TemplatePaths): void {
  const missing = Object.values(templates).filter((path: string) => !existsSync(path));
  if (missing.length === 0) return;
  throw new CliError(MISUSE, `no template ${missing.join(', ')}: NOTIFIER_TPL_OPEN, _DONE and _EMBED_START name them`);
}

/** A name without a slash is looked for in the PATH, when its time comes. */
function assertExecutable(bin: string): void {
  if (!bin.includes('/')) return;
  try {
    accessSync(bin, constants.X_OK);
    if (statSync(bin).isFile()) return;
  } catch (cause) {
    throw new CliError(MISUSE, `NOTIFIER_BIN: ${bin} cannot be run`, { cause });
  }
  throw new CliError(MISUSE, `NOTIFIER_BIN: ${bin} is no file`);
}

function warnInTheClear(url: string, log: SpoolLog): void {
  const warning = plaintextWarning({ method: 'POST', url, headers: { authorization: '' }, body: undefined });
  if (warning !== undefined) log.warn({}, warning);
}
