/** `tidemark spool` */
import { Command } from 'commander';
import { environment } from '../config.ts';
import { SpoolError, type SpoolErrorCode } from '../spool/errors.ts';
import { readSpoolSettings, type SpoolFlags } from '../spool/settings.ts';
import { openSpool, type Spool } from '../spool/spool.ts';
import type { Waiting } from '../spool/store.ts';
import { isStop } from '../spool/waiting.ts';
import { CliError, FAILURE, MISUSE } from './errors.ts';
import type { Run } from './run.ts';
import { Display } from './spool/display.ts';
import { adminTokenOf, notifierOf, readSecret } from './spool/notifier.ts';

interface Options extends SpoolFlags {
  once?: boolean;
  json?: boolean;
}

/** The batches are done, and not everybody knows: their notifications wait in the outbox. */
const UNDELIVERED = 3;
/** What the operator has to set right before anything can be done. */
const MISUSES: readonly SpoolErrorCode[] = ['no-folder', 'not-admitted'];

export function spoolCommand(run: Run): Command {
  return new Command('spool')
    .description(
      'Replay files from a folder into a server, a batch at a time, and tell of each batch. ' +
        'Exit code 0: well, 1: a batch failed, 2: misuse, 3: notifications wait in the outbox.',
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
  const settings = readSpoolSettings(flags, environment);
  const stop = new AbortController();
  const display = new Display({ json, waits: once });
  let failed = 0;
  const opened = open(() =>
    openSpool({
      ...{ settings, log: display.log, signal: stop.signal },
      token: settings.tokenFile === undefined ? undefined : readSecret(settings.tokenFile, '--token-file'),
      readToken: settings.dataDir === undefined ? undefined : adminTokenOf(settings.dataDir),
      notifier: notifierOf(settings, display.log),
      progress: (run, files, chunk) => display.progress(run, files, chunk),
      finished: (run, findings) => {
        if (run.status === 'failed') failed++;
        display.finished(run, findings);
      },
    }),
  );
  // The second signal ends the process at once; what it was at is gone on with all the same.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const ended = await work(opened, once, display);
  if (!ended.well || (once && failed > 0)) return FAILURE;
  return ended.undelivered > 0 ? UNDELIVERED : 0;
}

interface Ended {
  /** false when it was stopped before it was through */
  well: boolean;
  undelivered: number;
}

async function work(spool: Spool, once: boolean, display: Display): Promise<Ended> {
  let outbox: ReadonlyMap<string, Waiting> | undefined;
  try {
    if (once) outbox = await spool.once();
    else await spool.watch();
    const undelivered = [...(outbox?.values() ?? [])].reduce((sum, waiting) => sum + waiting.undelivered, 0);
    return { well: true, undelivered };
  } catch (error) {
    if (isStop(error)) return { well: !once, undelivered: 0 };
    throw inWords(error);
  } finally {
    spool.close();
    display.end(outbox);
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
  if (!(error instanceof SpoolError)) return error;
  return new CliError(MISUSES.includes(error.code) ? MISUSE : FAILURE, error.message, { cause: error });
}
