/** Whom the spool tells of its batches, from its settings. */
import { existsSync, readFileSync } from 'node:fs';
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
      return programNotifier(notifier);
    case 'templates':
      assertThere(notifier.templates);
      return templateNotifier({ ...notifier, log });
    case 'publish': {
      const url = notifier.url ?? new URL('/event-publish', server).href;
      const token = notifier.token ?? ownToken(dataDir);
      warnInTheClear(url, log);
      return publishNotifier({ url, token, timeoutMs: notifier.timeoutMs });
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

function warnInTheClear(url: string, log: SpoolLog): void {
  const warning = plaintextWarning({ method: 'POST', url, headers: { authorization: '' }, body: undefined });
  if (warning !== undefined) log.warn({}, warning);
}
