/** `tidemark spool` */
import { Command } from 'commander';
import { SpoolError } from '../spool/errors.ts';
import { readSpoolSettings, type SpoolFlags } from '../spool/settings.ts';
import { openSpool, type Spool } from '../spool/spool.ts';
import { isStop } from '../spool/waiting.ts';
import { CliError, FAILURE } from './errors.ts';
import type { Run } from './run.ts';
import { Display } from './spool/display.ts';
import { adminTokenOf, notifierOf, readSecret } from './spool/notifier.ts';

interface Options extends SpoolFlags {
  once?: boolean;
  json?: boolean;
}

export function spoolCommand(run: Run): Command {
  return new Command('spool')
    .description(
      'Replay files from a folder into a server, a batch at a time, and tell of each batch. ' +
        'Exit code 0: well, 1: a batch failed, 2: misuse.',
    )
    .option('--dir <dir>', 'folder with incoming/, processing/, archive/ and failed/ (SPOOL_DIR)')
    .option('--once', 'one pass over what is there, and end')
    .option('--url <url>', 'the server (SPOOL_URL, default http://127.0.0.1:8788)')
    .option('--source <id>', 'the source that the records belong to (SPOOL_SOURCE, default "spool")')
    .option('--token-file <file>', "file with the source's secret (SPOOL_TOKEN_FILE)")
    .option('--data <dir>', "the server's data directory, where its admin token is (TIDEMARK_DATA)")
    .option('--batch-tag <tag>', 'name of the batch, in place of spool_YYYYMMDD_HHMMSS')
    .option('--pii', 'the batch may hold personal data: embedding waits for an administrator (SPOOL_PII)')
    .option('--give-up-after <seconds>', 'end when the server is out of reach for so long (SPOOL_GIVE_UP_AFTER)')
    .option('--notify-wait <seconds>', 'how long --once waits for notifications to be taken (SPOOL_NOTIFY_WAIT)')
    .option('--json', 'print one JSON object a batch')
    .action((options: Options) => run(spool(options)));
}

async function spool({ once = false, json = false, ...flags }: Options): Promise<number> {
  const settings = readSpoolSettings(flags);
  const stop = new AbortController();
  const display = new Display({ json });
  let failed = 0;
  const opened = open(() =>
    openSpool({
      ...{ settings, log: display.log, signal: stop.signal },
      token: settings.tokenFile === undefined ? undefined : readSecret(settings.tokenFile, '--token-file'),
      readToken: settings.dataDir === undefined ? undefined : adminTokenOf(settings.dataDir),
      notifier: notifierOf(settings, display.log),
      progress: (run, files, chunk) => display.progress(run, files, chunk),
      finished: (run) => {
        if (run.status === 'failed') failed++;
        display.finished(run);
      },
    }),
  );
  // The second signal ends the process at once; what it was at is gone on with all the same.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const ended = await work(opened, once, display);
  return ended && (failed === 0 || !once) ? 0 : FAILURE;
}

/** @returns false when it was stopped before it was through */
async function work(spool: Spool, once: boolean, display: Display): Promise<boolean> {
  try {
    await (once ? spool.once() : spool.watch());
    return true;
  } catch (error) {
    if (isStop(error)) return !once;
    throw inWords(error);
  } finally {
    spool.close();
    display.end();
  }
}

function open(work: () => Spool): Spool {
  try {
    return work();
  } catch (error) {
    throw inWords(error);
  }
}

function inWords(error: unknown): unknown {
  return error instanceof SpoolError ? new CliError(FAILURE, error.message, { cause: error }) : error;
}
