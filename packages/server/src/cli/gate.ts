/** `tidemark gate status|unlock|lock|wait --batch-tag TAG` */
import { Command } from 'commander';
import { CliError, FAILURE, MISUSE } from './errors.ts';
import type { Run } from './run.ts';
import { ServerClient, unlessRefused } from './server-client.ts';

interface Options {
  batchTag: string;
  url: string;
  data?: string;
  json?: boolean;
}

/** What `GET /batches/:tag` says, of which this is shown. */
interface Batch {
  batchTag: string;
  state: string;
  pii: boolean;
  locked: boolean;
  timeline: { at: string; event: string; by?: string; reason?: string }[];
}

/** The server answers after so long at the latest; then it is asked again. */
const WAIT_MS = 60_000;
const SECOND_MS = 1000;

export function gateCommand(run: Run): Command {
  const gate = new Command('gate').description('The locks on batches that may hold personal data.');
  connected(gate.command('status').description('Whether a batch is locked. Exit code 0: it is not; 1: it is.')).action(
    (options: Options) => run(status(options)),
  );
  connected(gate.command('wait').description('Wait until a batch is not locked.'))
    .option('--timeout <seconds>', 'give up after so long, with exit code 1; without it never')
    .action((options: Options & { timeout?: string }) => run(wait(options)));
  for (const action of ['unlock', 'lock'] as const) {
    connected(gate.command(action).description(WORDS[action]))
      .requiredOption('--reason <text>', 'why; it is kept with the batch')
      .action((options: Options & { reason: string }) => run(turn(action, options)));
  }
  return gate;
}

const WORDS = {
  unlock: 'Let a batch be embedded: you have looked at it. What waited for that goes on.',
  lock: 'Keep a batch from being embedded and searched until it is unlocked.',
};

function connected(command: Command): Command {
  return command
    .requiredOption('--batch-tag <tag>', 'the batch')
    .option('--url <url>', 'the server', 'http://127.0.0.1:8788')
    .option('--data <dir>', "the server's data directory, where its admin token is")
    .option('--json', 'print what the server says of the batch, as JSON')
    .exitOverride();
}

async function status({ batchTag, url, data, json }: Options): Promise<number> {
  const batch = await new ServerClient(url, data).get<Batch>(pathOf(batchTag), {});
  show(batch, json);
  return batch.locked ? FAILURE : 0;
}

async function wait({ batchTag, url, data, json, timeout }: Options & { timeout?: string }): Promise<number> {
  const client = new ServerClient(url, data);
  const until = performance.now() + millisecondsOf(timeout);
  for (;;) {
    const left = Math.max(0, until - performance.now());
    const parameters = { until: 'unlocked', waitMs: Math.ceil(Math.min(left, WAIT_MS)) };
    const batch = await client.get<Batch>(pathOf(batchTag), parameters);
    if (batch.locked && performance.now() < until) continue;
    show(batch, json);
    return batch.locked ? FAILURE : 0;
  }
}

async function turn(
  action: 'lock' | 'unlock',
  { batchTag, url, data, json, reason }: Options & { reason: string },
): Promise<number> {
  const client = new ServerClient(url, data);
  show(unlessRefused(await client.post<Batch>(`${pathOf(batchTag)}/${action}`, { reason })), json);
  return 0;
}

function show(batch: Batch, json: boolean | undefined): void {
  if (json === true) {
    process.stdout.write(`${JSON.stringify(batch)}\n`);
    return;
  }
  const last = batch.timeline.findLast(({ event }) => event === 'locked' || event === 'unlocked');
  const since = last === undefined ? '' : `  since ${last.at}${last.by === undefined ? '' : ` by ${last.by}`}`;
  const why = last?.reason === undefined ? '' : `  "${last.reason}"`;
  process.stdout.write(`${batch.batchTag}  ${batch.locked ? 'locked' : 'open'}  ${batch.state}${since}${why}\n`);
}

function pathOf(tag: string): string {
  return `/batches/${encodeURIComponent(tag)}`;
}

function millisecondsOf(timeout: string | undefined): number {
  if (timeout === undefined) return Number.POSITIVE_INFINITY;
  if (/^\d{1,9}(\.\d+)?$/.test(timeout)) return Number(timeout) * SECOND_MS;
  throw new CliError(MISUSE, `--timeout takes seconds, not ${timeout}`);
}
