/** `tidemark audit URL` */
import { isHex } from '@tidemark/proof';
import { Command } from 'commander';
import { audit } from '../audit/index.ts';
import type { LogReport, Pins } from '../audit/log-audit.ts';
import { type AuditState, AuditStateError, readState, writeState } from '../audit/state.ts';
import { CliError, FAILURE, MISUSE } from './errors.ts';
import { isLogKey, serverAt } from './log-server.ts';
import type { Run } from './run.ts';

interface Options {
  stream?: string[];
  logKey?: string[];
  publisher?: string;
  state?: string;
  tokenFile?: string;
  json?: boolean;
}

export function auditCommand(run: Run): Command {
  return new Command('audit')
    .description(
      "Check a server's logs as a stranger: every leaf, and that nothing seen before was changed. " +
        'Exit code 0: clean, 1: findings, each with its reason, 2: misuse.',
    )
    .argument('<url>', 'the server')
    .option('--stream <id...>', 'the logs of these streams (default: all)')
    .option('--log-key <key...>', 'pin the C2SP verifier keys of the logs (default: trust on first use)')
    .option('--publisher <key>', 'pin the identity key of the publisher')
    .option('--state <file>', 'what was seen is kept here, and held against the logs next time; one file a server')
    .option('--token-file <file>', 'file with a token that may read, for a server that asks for one')
    .option('--json', 'print the report as JSON')
    .action((url: string, options: Options) => run(auditServer(url, options)));
}

async function auditServer(url: string, options: Options): Promise<number> {
  const server = serverAt(url, options.tokenFile);
  const { state: file, stream: streams = [] } = options;
  const before = file === undefined ? new Map() : stateIn(file);
  const { clean, logs, state } = await audit(server, { streams, pins: pinsOf(options), before });
  if (file !== undefined && state !== undefined) remember(file, state);
  process.stdout.write(options.json === true ? `${JSON.stringify(inJson(url, clean, logs))}\n` : inWords(logs));
  return clean ? 0 : FAILURE;
}

function pinsOf({ logKey: logKeys = [], publisher }: Options): Pins {
  for (const key of logKeys)
    if (!isLogKey(key)) throw new CliError(MISUSE, `--log-key takes name+hash+key, not ${key}`);
  if (publisher === undefined) return { logKeys };
  if (!isHex(publisher, 33)) throw new CliError(MISUSE, '--publisher takes a compressed key in lower-case hex');
  return { logKeys, publisher };
}

function stateIn(file: string): AuditState {
  try {
    return readState(file);
  } catch (cause) {
    if (cause instanceof AuditStateError) throw new CliError(MISUSE, cause.message, { cause });
    throw cause;
  }
}

function remember(file: string, state: AuditState): void {
  try {
    writeState(file, state);
  } catch (cause) {
    throw new CliError(MISUSE, `${file} cannot be written`, { cause });
  }
}

function inJson(url: string, clean: boolean, logs: readonly LogReport[]): object {
  return { url, clean, logs: logs.map(({ seen: _, ...log }) => log) };
}

function inWords(logs: readonly LogReport[]): string {
  if (logs.length === 0) return 'no logs: nothing is sealed there yet\n';
  return logs.map((log) => `${describe(log).join('\n')}\n`).join('');
}

function describe({ stream, clean, size, root, read, findings, findingCount, notes }: LogReport): string[] {
  const what = size === undefined ? '' : `: ${size} leaves, ${read} of them read now, root ${root}`;
  const unlisted = findingCount - findings.length;
  return [
    `${clean ? 'CLEAN' : 'FOUND'}  ${stream}${what}`,
    ...findings.map(({ reason, detail }) => `  ${reason}  ${detail}`),
    ...findings.flatMap(({ evidence = [] }) => evidence.map((note) => `  evidence\n${note}`)),
    ...(unlisted > 0 ? [`  and ${unlisted} more findings`] : []),
    ...notes.map((note) => `  note  ${note}`),
  ];
}
