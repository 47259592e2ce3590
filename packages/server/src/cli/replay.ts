/** `tidemark replay --data DIR` */
import { Command } from 'commander';
import {
  type Difference,
  FsckError,
  ReplayError,
  type ReplayReport,
  replay,
  type StreamResult,
} from '../replay/index.ts';
import { CliError, FAILURE, MISUSE } from './errors.ts';
import type { Run } from './run.ts';

interface Options {
  data: string;
  stream?: string;
  from?: string;
  to?: string;
  json?: boolean;
}

export function replayCommand(run: Run): Command {
  return new Command('replay')
    .description(
      'Derive every packet anew from the journal, and compare; also where a server is at work. ' +
        'Exit code 0: all equal, 1: a difference, with event and stage, 2: misuse.',
    )
    .requiredOption('--data <dir>', 'data directory')
    .option('--stream <id>', 'compare this stream alone')
    .option('--from <bound>', 'compare packets from this leaf, or this RFC 3339 time, on')
    .option('--to <bound>', 'compare packets up to this leaf, or this RFC 3339 time')
    .option('--json', 'print the report as JSON')
    .action((options: Options) => run(compare(options)));
}

async function compare({ data, json, ...options }: Options): Promise<number> {
  const startedAt = performance.now();
  const report = await reportOn(data, options);
  const seconds = (performance.now() - startedAt) / 1000;
  const eventsPerSecond = Math.round(report.events / seconds);
  if (json === true) process.stdout.write(`${JSON.stringify({ ...report, seconds, eventsPerSecond })}\n`);
  else process.stdout.write(inWords(report, options, seconds, eventsPerSecond));
  return report.equal ? 0 : FAILURE;
}

async function reportOn(data: string, options: Omit<Options, 'data' | 'json'>): Promise<ReplayReport> {
  try {
    return await replay(data, options);
  } catch (cause) {
    if (cause instanceof ReplayError && cause.code === 'derivation-failed') throw cause;
    if (cause instanceof FsckError || cause instanceof ReplayError)
      throw new CliError(MISUSE, cause.message, { cause });
    throw cause;
  }
}

function inWords(report: ReplayReport, { from, to }: Partial<Options>, seconds: number, rate: number): string {
  const { equal, events, onTrust, packets, leaves, streams } = report;
  const lines = [
    ...streams.map(inLine),
    ...streams.flatMap(({ stream, difference }) => (difference === undefined ? [] : details(stream, difference))),
    `compared ${packets} packets with ${leaves} leaves in ${streams.length} streams`,
    `derived ${events} events anew in ${seconds.toFixed(1)} s, ${rate} a second`,
    ...(onTrust === 0 ? [] : [`${onTrust} of these are erased: what they said was taken from their leaves, on trust`]),
    ...(from === undefined && to === undefined
      ? []
      : ['what comes before the range was derived too, and not compared']),
    packets === 0
      ? 'nothing to compare'
      : equal
        ? 'equal'
        : `${streams.filter(({ difference }) => difference !== undefined).length} streams differ`,
  ];
  return `${lines.join('\n')}\n`;
}

function inLine({ stream, packets, leaves, pending, difference }: StreamResult): string {
  const waiting = pending === 0 ? '' : `, ${pending} more not in the ledger yet`;
  return `${difference === undefined ? 'equal  ' : 'DIFFERS'}  ${stream}: ${packets} packets, ${leaves} leaves${waiting}`;
}

function details(stream: string, { kind, stage, packet, leaf, event, what }: Difference): string[] {
  const where = packet === undefined ? '' : ` packet [${packet.start},${packet.end}) ${packet.versionId}`;
  const which =
    event === undefined
      ? []
      : [
          `  event    seq ${event.seq} of ${event.source}, id ${event.eventId ?? 'unknown'}, ` +
            `journal position ${event.position ?? 'unknown'}`,
        ];
  return [
    `DIFFERENCE  ${stream}${where}${kind === 'differs' ? '' : ` is ${kind}`}`,
    `  stage    ${stage}: ${what}`,
    ...(leaf === undefined ? [] : [`  leaf     ${leaf}`]),
    ...which,
  ];
}
