/** `tidemark quarantine list`, `show`, `release`, `discard` */
import { Command } from 'commander';
import { CliError, FAILURE, MISUSE } from './errors.ts';
import { QuarantineClient, type Sweep } from './quarantine/client.ts';
import { describeItem, describeRefusal, describeStill } from './quarantine/words.ts';
import type { Run } from './run.ts';
import { isRefusal, type Parameters } from './server-client.ts';

interface Connection {
  url: string;
  data?: string;
  json?: boolean;
}

interface Filter {
  source?: string;
  stream?: string;
  match?: string;
}

interface ListOptions extends Connection, Filter {
  resolved: string;
  limit: string;
}

interface DecideOptions extends Connection, Filter {
  reason: string;
  seq?: string;
  all?: boolean;
}

const PAGE = 1000;
const WORDS = {
  release: { done: 'released', what: 'Let events out of quarantine, as the policy now in force has them.' },
  discard: { done: 'discarded', what: 'Give events in quarantine up, for good; the log says so.' },
};
type Action = keyof typeof WORDS;

export function quarantineCommand(run: Run): Command {
  const quarantine = new Command('quarantine').description('Events that their policy refused: look, release, discard.');
  filtered(connected(quarantine.command('list').description('List events in quarantine, newest first.')))
    .option('--resolved <which>', 'false: those that wait, true: those that were resolved, all', 'false')
    .option('--limit <n>', 'events to show', '50')
    .action((options: ListOptions) => run(list(options)));
  connected(quarantine.command('show').description('Show one event: what came, what its policy makes of it, and why.'))
    .argument('<id>', 'event id')
    .option('--seq <n>', 'one of its versions; without it the newest')
    .action((id: string, options: Connection & { seq?: string }) => run(show(id, options)));
  for (const action of ['release', 'discard'] as const) {
    filtered(connected(quarantine.command(action).description(WORDS[action].what)))
      .argument('[ids...]', 'event ids')
      .requiredOption('--reason <text>', 'why; it is kept with the event')
      .option('--seq <n>', 'which version of the event')
      .option('--all', 'in place of ids: all that --source, --stream and --match leave over')
      .action((ids: string[], options: DecideOptions) => run(decide(action, ids, options)));
  }
  return quarantine;
}

function connected(command: Command): Command {
  return command
    .option('--url <url>', 'the server', 'http://127.0.0.1:8788')
    .option('--data <dir>', "the server's data directory, where its admin token is")
    .option('--json', 'print JSON, one object a line')
    .exitOverride();
}

function filtered(command: Command): Command {
  return command
    .option('--source <id>', 'events of this source')
    .option('--stream <id>', 'events of this stream')
    .option('--match <prefix>', 'events with a reason that begins so, as "bounds-max:temp"');
}

async function list({ source, stream, match, resolved, limit, ...connection }: ListOptions): Promise<number> {
  const client = new QuarantineClient(connection.url, connection.data);
  let left = wholeNumber('--limit', limit);
  const parameters = { sourceId: source, stream, reason: match, resolved };
  let cursor: string | null = null;
  do {
    const page = await client.list({ ...parameters, limit: Math.min(left, PAGE), cursor: cursor ?? undefined });
    for (const item of page.items) print(connection.json === true ? line(item) : describeItem(item));
    left -= page.items.length;
    cursor = page.nextCursor;
  } while (left > 0 && cursor !== null);
  if (cursor !== null && connection.json !== true) print(`and more: --limit says how many are shown\n`);
  return 0;
}

async function show(id: string, { seq, url, data, json }: Connection & { seq?: string }): Promise<number> {
  const event = await new QuarantineClient(url, data).event(id, { seq });
  print(json === true ? line(event) : `${JSON.stringify(event, null, 2)}\n`);
  return 0;
}

async function decide(action: Action, ids: readonly string[], options: DecideOptions): Promise<number> {
  const { all = false, source, stream, match, seq } = options;
  const filters = source ?? stream ?? match;
  if (all && (ids.length > 0 || seq !== undefined))
    throw new CliError(MISUSE, '--all is in place of ids, and of --seq');
  if (!all && ids.length === 0) throw new CliError(MISUSE, `name the events to ${action}, or say --all`);
  if (!all && filters !== undefined) throw new CliError(MISUSE, '--source, --stream and --match go with --all');
  if (seq !== undefined && ids.length > 1) throw new CliError(MISUSE, '--seq goes with one id');
  const client = new QuarantineClient(options.url, options.data);
  return all ? decideAll(client, action, options) : decideEach(client, action, ids, options);
}

async function decideEach(
  client: QuarantineClient,
  action: Action,
  ids: readonly string[],
  { reason, seq, json }: DecideOptions,
): Promise<number> {
  const members: Parameters = { reason, seq: seq === undefined ? undefined : wholeNumber('--seq', seq) };
  let refused = 0;
  for (const id of ids) {
    const answer = await client.say(action, id, members);
    if (isRefusal(answer)) refused++;
    if (json === true) print(line({ eventId: id, ...answer }));
    else if (isRefusal(answer)) print(describeRefusal(id, answer));
    else print(`${id}  ${WORDS[action].done}\n`);
  }
  return refused === 0 ? 0 : FAILURE;
}

/** Page by page: what has been resolved so far stays so, whatever ends the command. */
async function decideAll(client: QuarantineClient, action: Action, options: DecideOptions): Promise<number> {
  const { source: sourceId, stream, match: reasonPrefix, reason, json } = options;
  let resolved = 0;
  let still = 0;
  let sweep: Sweep | undefined;
  do {
    const cursor = sweep?.nextCursor ?? undefined;
    sweep = await client.sweep(action, { stream, sourceId, reasonPrefix, reason, limit: PAGE, cursor });
    resolved += sweep.resolved;
    still += sweep.stillQuarantined.length;
    if (json !== true) for (const one of sweep.stillQuarantined) print(describeStill(one));
    else for (const one of sweep.stillQuarantined) print(line({ ...one, error: 'still-quarantined' }));
  } while (sweep.nextCursor !== null);
  const summary = { action, resolved, stillQuarantined: still };
  print(json === true ? line(summary) : `${resolved} ${WORDS[action].done}, ${still} still in quarantine\n`);
  return still === 0 ? 0 : FAILURE;
}

function wholeNumber(option: string, text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new CliError(MISUSE, `${option} takes a whole number from 1`);
  return Number(text);
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

function print(text: string): void {
  process.stdout.write(text);
}
