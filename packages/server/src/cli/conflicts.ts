/** `tidemark conflicts --data DIR` */
import { Command } from 'commander';
import { FsckError } from '../fsck/index.ts';
import { openSnapshot, type Snapshot } from '../fsck/snapshot.ts';
import { type Tolerance, toleranceTree } from '../fuse/agreement.ts';
import type { FusionPolicy } from '../fuse/policy.ts';
import { parseTime } from '../json/time.ts';
import { type DecisionItem, Decisions } from '../read/decisions.ts';
import type { LedgerReader } from '../store/ledger.ts';
import { SqliteLedgerReader } from '../store/sqlite/ledger-reader.ts';
import { jsonReport, type Report, textReport } from './conflicts/report.ts';
import { Tally } from './conflicts/tally.ts';
import { CliError, MISUSE } from './errors.ts';
import type { Run } from './run.ts';

interface Options {
  data: string;
  stream?: string;
  since?: string;
  limit: string;
  all?: boolean;
  json?: boolean;
}

const SHOWN = 50;
const MAX_SHOWN = 10_000;

export function conflictsCommand(run: Run): Command {
  return new Command('conflicts')
    .description('Show how sources that disagree were fused, from a data directory, also one in use.')
    .requiredOption('--data <dir>', 'data directory')
    .option('--stream <id>', 'of this stream alone')
    .option('--since <time>', 'decided since then: RFC 3339, or epoch seconds')
    .option('--limit <n>', `decisions shown, the newest; the summary counts all`, String(SHOWN))
    .option('--all', 'show also decisions on which all sources agree')
    .option('--json', 'print one JSON object a line')
    .action((options: Options) => run(show(options)));
}

async function show(options: Options): Promise<number> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 0 || limit > MAX_SHOWN) {
    throw new CliError(MISUSE, `--limit takes a whole number from 0 to ${MAX_SHOWN}`);
  }
  const since = options.since === undefined ? undefined : parseTime(options.since);
  if (options.since !== undefined && since === undefined) {
    throw new CliError(MISUSE, '--since takes a time as 2026-03-01T12:00:00Z, or epoch seconds');
  }
  const snapshot = snapshotOf(options.data);
  try {
    const report = options.json === true ? jsonReport : textReport;
    if (snapshot.ledger === undefined) process.stdout.write(report.summary(new Tally(), 0, 0));
    else printAll(new SqliteLedgerReader(options.data, snapshot.ledger), report, options, limit, since);
  } finally {
    snapshot.close();
  }
  return 0;
}

function printAll(
  ledger: LedgerReader,
  report: Report,
  { stream, all }: Options,
  limit: number,
  since: number | undefined,
): void {
  if (stream !== undefined && ledger.stream(stream) === undefined) {
    throw new CliError(MISUSE, `there is no stream ${stream}`);
  }
  const tally = new Tally();
  const toleranceOf = tolerancesFrom(ledger);
  const newest: DecisionItem[] = [];
  let wanted = 0;
  const filter = { ...(stream === undefined ? {} : { stream }), conflictsOnly: false };
  for (const item of new Decisions(ledger).newest(filter, since)) {
    tally.add(item, toleranceOf(item));
    if (all !== true && !item.conflict) continue;
    wanted++;
    if (newest.length < limit) newest.push(item);
  }
  // Oldest first, so that the newest are next to the summary.
  for (const item of newest.reverse()) process.stdout.write(report.decision(item, toleranceOf(item)));
  process.stdout.write(report.summary(tally, newest.length, wanted));
}

/** The tolerances of the policy that decided. */
function tolerancesFrom(ledger: LedgerReader): (item: DecisionItem) => Tolerance | undefined {
  const known = new Map<string, Tolerance | undefined>();
  return ({ policyHash }) => {
    if (!known.has(policyHash)) {
      const policy = JSON.parse(ledger.policy(policyHash) ?? '{}') as Partial<FusionPolicy>;
      known.set(policyHash, toleranceTree(policy.tolerance));
    }
    return known.get(policyHash);
  };
}

function snapshotOf(data: string): Snapshot {
  try {
    return openSnapshot(data);
  } catch (cause) {
    if (cause instanceof FsckError) throw new CliError(MISUSE, cause.message, { cause });
    throw cause;
  }
}
