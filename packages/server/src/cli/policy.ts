/** `tidemark policy check FILE` */
import { Command } from 'commander';
import { compilePolicy } from '../normalize/compile.ts';
import type { Source } from '../stream.ts';
import { CliError, FAILURE, MISUSE } from './errors.ts';
import { jsonReport, type Report, textReport } from './policy/report.ts';
import { readSamples } from './policy/samples.ts';
import { readSubjects, type Subjects } from './policy/subjects.ts';
import { Summary } from './policy/summary.ts';
import { PolicyTrial } from './policy/trial.ts';
import type { Run } from './run.ts';

interface Options {
  sample?: string;
  source?: string;
  all?: boolean;
  strict?: boolean;
  json?: boolean;
}

/** Events shown in detail unless all are wanted. */
const SHOWN = 20;

export function policyCommand(run: Run): Command {
  const policy = new Command('policy').description('Check mapping policies before a server runs on them.');
  policy
    .command('check')
    .description('Say what a policy does, and what it would do to a sample. Exit code 0: valid, 1: invalid, 2: misuse.')
    .argument('<file>', 'a mapping policy, or a configuration file with sources, as JSON')
    .option('--sample <events>', 'events to try it on: NDJSON, a JSON array, .csv, or - for standard input')
    .option('--source <id>', 'the source whose policy the sample is for')
    .option('--all', `show every event of the sample, not the first ${SHOWN} alone`)
    .option('--strict', 'exit code 1 also when an event is quarantined or refused')
    .option('--json', 'print one JSON object a line')
    .exitOverride()
    .action((file: string, options: Options) => run(check(file, options)));
  return policy;
}

async function check(file: string, options: Options): Promise<number> {
  const report = options.json === true ? jsonReport : textReport;
  const subjects = readSubjects(file);
  if (Array.isArray(subjects)) {
    for (const fault of subjects) process.stdout.write(report.fault(fault));
    return FAILURE;
  }
  const chosen = options.source === undefined ? subjects.sources : [sourceNamed(options.source, subjects)];
  for (const { id, policy } of chosen) {
    process.stdout.write(report.policy(subjects.named ? id : undefined, compilePolicy(policy).hash, policy));
  }
  if (options.sample === undefined) return 0;
  return trySample(chosen, options.sample, subjects.maxEventBytes, report, options);
}

function trySample(
  sources: readonly Source[],
  file: string,
  maxEventBytes: number,
  report: Report,
  options: Options,
): number {
  const [source] = sources;
  if (source === undefined || sources.length > 1) {
    throw new CliError(MISUSE, `--source says whose sample it is: ${sources.map(({ id }) => id).join(', ')}`);
  }
  const trial = new PolicyTrial(source, maxEventBytes);
  const summary = new Summary();
  const limit = options.all === true ? Number.POSITIVE_INFINITY : SHOWN;
  const now = Date.now();
  for (const item of readSamples(file).items) {
    const result = trial.run(item, now);
    summary.add(result);
    if (summary.events <= limit) process.stdout.write(report.trial(summary.events, result));
  }
  process.stdout.write(report.summary(summary, Math.min(limit, summary.events)));
  return options.strict === true && !summary.clean ? FAILURE : 0;
}

function sourceNamed(id: string, { sources, named }: Subjects): Source {
  if (!named) throw new CliError(MISUSE, '--source goes with a configuration file; this is one policy');
  const source = sources.find((candidate) => candidate.id === id);
  if (source === undefined) {
    throw new CliError(MISUSE, `there is no source "${id}"; there are ${sources.map((each) => each.id).join(', ')}`);
  }
  return source;
}
