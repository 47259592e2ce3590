/** `tidemark fsck --data DIR` */
import { Command } from 'commander';
import { type Findings, FsckError, fsck } from '../fsck/index.ts';
import { CliError, FAILURE, MISUSE } from './errors.ts';
import type { Run } from './run.ts';

interface Options {
  data: string;
  json?: boolean;
}

export function fsckCommand(run: Run): Command {
  return new Command('fsck')
    .description('Check a data directory, also one in use. Exit code 0: clean, 1: violations, each named, 2: misuse.')
    .requiredOption('--data <dir>', 'data directory')
    .option('--json', 'print the findings as JSON')
    .action((options: Options) => run(check(options)));
}

async function check({ data, json }: Options): Promise<number> {
  const findings = checked(data);
  process.stdout.write(json === true ? `${JSON.stringify(inJson(findings))}\n` : inWords(findings));
  return findings.violationCount === 0 ? 0 : FAILURE;
}

function checked(data: string): Findings {
  try {
    return fsck(data);
  } catch (cause) {
    if (cause instanceof FsckError) throw new CliError(MISUSE, cause.message, { cause });
    throw cause;
  }
}

function inJson({ violationCount, violations, notes, checked }: Findings): object {
  return { clean: violationCount === 0, checked, violationCount, violations, notes };
}

function inWords({ violationCount, violations, notes, checked }: Findings): string {
  const { events, packets, leaves, streams, anchors, blocks } = checked;
  const lines = [
    ...violations.map(({ code, where, what }) => `VIOLATION  ${code}  ${where}: ${what}`),
    ...(violationCount > violations.length ? [`and ${violationCount - violations.length} more violations`] : []),
    ...notes.map(({ code, where, what }) => `note  ${code}  ${where}: ${what}`),
    `checked ${events} events, ${packets} packets with ${leaves} leaves, ${streams} streams, ${anchors} anchors, ${blocks} blocks`,
    violationCount === 0 ? 'clean' : `${violationCount} violations`,
  ];
  return `${lines.join('\n')}\n`;
}
