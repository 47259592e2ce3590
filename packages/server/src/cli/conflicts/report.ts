/** How fusion decisions are shown: text for people, or one JSON object a line for programs. */
import type { Tolerance } from '../../fuse/agreement.ts';
import { shown, shownPath } from '../../fuse/text.ts';
import type { JsonValue } from '../../json/parse.ts';
import { resultOf } from '../../read/audit.ts';
import type { CandidateItem, DecisionItem } from '../../read/decisions.ts';
import { printable, table } from '../text.ts';
import { type Difference, differences } from './differences.ts';
import { dissenters } from './dissenters.ts';
import type { Tally } from './tally.ts';

export interface Report {
  /** @param tolerance of the policy that decided */
  decision(item: DecisionItem, tolerance: Tolerance | undefined): string;
  /** @param shown decisions before it @param wanted how many there were to show */
  summary(tally: Tally, shown: number, wanted: number): string;
}

/** Columns, and rows, that one decision gets in text. */
const MAX_FIELDS = 6;
const MAX_CANDIDATES = 20;

export const textReport: Report = {
  decision(item, tolerance) {
    const { decidedAt, stream, eventId, key, bucket, decisionId, leafIndex, supersedes } = item;
    const about = `${printable(shown(key))}${bucket === null ? '' : ` of ${bucket}`}`;
    const corrects = supersedes === undefined ? '' : `, corrects ${supersedes}`;
    return [
      `${decidedAt}  ${stream}  ${about}${item.conflict ? '  CONFLICT' : ''}\n`,
      candidatesInText(item, dissenters(item, tolerance)),
      `    winner  ${winnerInWords(item)}\n`,
      `    rule    ${item.rule}${item.tieBreaker === undefined ? '' : `, the tie by ${item.tieBreaker}`}\n`,
      `    why     ${printable(item.reason)}\n`,
      `    event ${eventId}, leaf ${leafIndex}, decision ${decisionId}${corrects}\n\n`,
    ].join('');
  },
  summary(tally, shownCount, wanted) {
    const { decisions, conflicts, corrections, outcomes } = tally;
    const share = decisions === 0 ? '' : ` (${((100 * conflicts) / decisions).toFixed(1)} %)`;
    const others = [
      ...(outcomes.quarantined === 0 ? [] : [`${outcomes.quarantined} held back for want of a quorum`]),
      ...(outcomes.unresolved === 0 ? [] : [`${outcomes.unresolved} unresolved`]),
      ...(corrections === 0 ? [] : [counted(corrections, 'correction')]),
    ];
    const head = [counted(decisions, 'decision'), `${counted(conflicts, 'conflict')}${share}`, ...others];
    return [
      ...(shownCount < wanted ? [`the newest ${shownCount} of ${wanted} are shown; --limit shows more\n`] : []),
      `${head.join(', ')}\n`,
      ...(decisions === 0 ? [] : ['\n', rulesInText(tally), '\n', sourcesInText(tally)]),
    ].join('');
  },
};

export const jsonReport: Report = {
  decision: (item) => `${JSON.stringify({ kind: 'decision', ...item })}\n`,
  summary: ({ decisions, conflicts, corrections, outcomes, rules, sources }, shownCount) => {
    const counts = { decisions, conflicts, corrections, outcomes };
    const by = { rules: Object.fromEntries(rules), sources: Object.fromEntries(sources) };
    return `${JSON.stringify({ kind: 'summary', shown: shownCount, ...counts, ...by })}\n`;
  },
};

function candidatesInText(item: DecisionItem, disagreed: ReadonlySet<string>): string {
  const { candidates } = item;
  const listed = candidates.slice(0, MAX_CANDIDATES);
  const known = listed.filter(({ values }) => values !== undefined);
  const found = differences(known.map(({ values }) => values));
  const fields = found.slice(0, MAX_FIELDS);
  const head = ['source', 'seq', 'event time', 'result', ...fields.map(({ path }) => printable(shownPath(path)))];
  const rows = listed.map((candidate) => [
    candidate.sourceId,
    String(candidate.seq),
    candidate.eventTime,
    resultInWords(item, candidate, disagreed),
    ...fields.map((field) => cell(field, known.indexOf(candidate))),
  ]);
  const notes = [
    ...(found.length > fields.length ? [`and ${found.length - fields.length} more fields differ`] : []),
    ...(candidates.length > listed.length ? [`and ${candidates.length - listed.length} more candidates`] : []),
  ];
  return table([head, ...rows]) + notes.map((note) => `    ${note}\n`).join('');
}

/** @param place of the candidate among those whose values are known; -1 for one whose values were too long to keep */
function cell({ values }: Difference, place: number): string {
  const value: JsonValue | undefined = values[place];
  if (place === -1) return '(too long)';
  return value === undefined ? '-' : printable(shown(value));
}

function resultInWords(
  item: DecisionItem,
  { sourceId, seq, voice }: CandidateItem,
  disagreed: ReadonlySet<string>,
): string {
  if (!voice) return 'passed over';
  const result = resultOf(item, sourceId, seq);
  if (result === 'winner' || result === 'undecided') return result;
  return disagreed.has(sourceId) ? 'disagrees' : 'agrees';
}

function winnerInWords({ winner, fields, outcome }: DecisionItem): string {
  if (winner !== null) return `${winner[0]} #${winner[1]}`;
  if (outcome === 'quarantined') return 'none, all candidates are held back';
  if (outcome === 'unresolved') return 'none, the record is null';
  const decided = (fields ?? [])
    .slice(0, MAX_FIELDS)
    .flatMap(({ field, winner }) => (winner === null ? [] : [`${printable(field)} of ${winner[0]}`]));
  return ['each field by itself', ...decided].join('; ');
}

function rulesInText({ rules }: Tally): string {
  const rows = [...rules].sort(byCount).map(([rule, count]) => [rule, `${count.decisions}`, `${count.conflicts}`]);
  return table([['rule', 'decisions', 'conflicts'], ...rows]);
}

function sourcesInText({ sources }: Tally): string {
  const rows = [...sources]
    .sort(byCount)
    .map(([source, { decisions, won, lost, disagreed }]) => [
      ...[source, `${decisions}`, `${won}`, `${lost}`, `${disagreed}`],
    ]);
  return table([['source', 'decisions', 'won', 'lost', 'disagreed'], ...rows]);
}

/** The most decisions first, then by name. */
function byCount([a, one]: [string, { decisions: number }], [b, other]: [string, { decisions: number }]): number {
  return other.decisions - one.decisions || (a < b ? -1 : 1);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
