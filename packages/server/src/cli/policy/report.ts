/** How a check of policies is shown: text for people, or one JSON object a line for programs. */
import { canonicalText } from '../../json/canonical.ts';
import { isContainer, type JsonObject, type JsonValue } from '../../json/parse.ts';
import type { MappingPolicy } from '../../normalize/policy.ts';
import { printable, table } from '../text.ts';
import type { FieldTrial } from './fields.ts';
import type { Fault } from './subjects.ts';
import type { Summary } from './summary.ts';
import type { TakenTrial, Trial } from './trial.ts';
import { describePolicy } from './words.ts';

/** Each method gives one or more lines. `source` is undefined where the file is one policy by itself. */
export interface Report {
  fault(fault: Fault): string;
  policy(source: string | undefined, hash: string, policy: MappingPolicy): string;
  /** @param number of the event in the sample, from 1 */
  trial(number: number, trial: Trial): string;
  summary(summary: Summary, shown: number): string;
}

/** Longer values are cut in text. */
const MAX_SHOWN = 48;
/** Fields of one event that are listed in text. */
const MAX_FIELDS = 100;

export const textReport: Report = {
  fault: ({ source, message }) => `INVALID  ${printable(source === undefined ? message : `${source}: ${message}`)}\n`,
  policy(source, hash, policy) {
    const says = table(describePolicy(policy).map(([name, rule]) => [printable(name), printable(rule)]));
    return `VALID  ${source === undefined ? '' : `${source}  `}policy ${hash}\n${says}`;
  },
  trial(number, trial) {
    const head = `\n#${number}  ${trial.outcome.replaceAll('-', ' ')}`;
    if (trial.outcome === 'refused') return `${head}  ${trial.error}: ${printable(trial.hint)}\n`;
    if (trial.outcome === 'duplicate')
      return `${head}  of an event before it, id ${trial.eventId} by ${trial.idFrom}\n`;
    return `${head}${trial.revision ? '  revision of an event before it' : ''}\n${takenInText(trial)}`;
  },
  summary(summary, shown) {
    const { outcomes, events, revisions } = summary;
    const parts = Object.entries(outcomes).map(([outcome, n]) => `${n} ${outcome.replaceAll('-', ' ')}`);
    const lines = [
      ...(shown < events ? [`the first ${shown} of ${events} are shown; --all shows them all`] : []),
      `${events} events: ${parts.join(', ')}`,
      ...(revisions > 0 ? [`${revisions} revise an event before them`] : []),
      ...[...summary.issues, ...summary.refusals].map(([kind, n]) => `  ${n} × ${kind}`),
    ];
    return `\n${lines.join('\n')}\n`;
  },
};

export const jsonReport: Report = {
  fault: (fault) => jsonLine({ kind: 'invalid', ...fault }),
  policy: (source, policyHash, policy) =>
    jsonLine({
      kind: 'policy',
      valid: true,
      source,
      policyHash,
      says: describePolicy(policy).map(([name, says]) => ({ name, says })),
    }),
  trial: (event, trial) => jsonLine({ kind: 'event', event, ...trial, ...madeUpKey(trial) }),
  summary: ({ events, outcomes, revisions, issues, refusals }) =>
    jsonLine({
      ...{ kind: 'summary', events, outcomes, revisions },
      issues: Object.fromEntries(issues),
      refusals: Object.fromEntries(refusals),
    }),
};

/** So that no program takes the hashes for those of the server. */
function madeUpKey(trial: Trial): object {
  return 'hashed' in trial && trial.hashed.length > 0 ? { madeUpKey: true } : {};
}

function takenInText(trial: TakenTrial): string {
  const { fields, issues, redacted, hashed, masked } = trial;
  const shown = fields.slice(0, MAX_FIELDS);
  const ofFields = new Set(fields.flatMap((field) => field.issues));
  const others = issues.filter((issue) => !ofFields.has(issue));
  const id = trial.eventId === undefined ? 'given at arrival: no id, no time' : `${trial.eventId} by ${trial.idFrom}`;
  return [
    `    id    ${id}\n`,
    `    time  ${trial.eventTime} from ${printable(trial.timeFrom)}\n`,
    ...(redacted.length === 0 ? [] : [`    taken out before anything is kept  ${printable(redacted.join(', '))}\n`]),
    ...(hashed.length === 0 ? [] : [`    hashed, here under a made-up key  ${printable(hashed.join(', '))}\n`]),
    ...(masked.length === 0 ? [] : [`    masked, as the event is marked pii  ${printable(masked.join(', '))}\n`]),
    table([['field', 'raw', '', 'normalized', 'by'], ...shown.map(row)]),
    ...(shown.length < fields.length ? [`    and ${fields.length - shown.length} more fields\n`] : []),
    ...others.map((issue) => `    issue  ${printable(issue)}\n`),
  ].join('');
}

function row({ field, raw, value, changedBy, issues }: FieldTrial): string[] {
  const why = [...(changedBy === undefined ? [] : [changedBy]), ...issues].join('; ');
  return [printable(field), shownValue(raw), '→', shownValue(value), printable(why)];
}

function shownValue(value: JsonValue | undefined): string {
  if (value === undefined) return '-';
  const text = canonicalText(value);
  return printable(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
}

/** RFC 8785 text, but for numbers that no double holds, which stand as they were sent. */
function jsonLine(value: object): string {
  return `${canonicalText(defined(value as JsonObject))}\n`;
}

/** Without the members that are undefined. */
function defined(value: JsonValue): JsonValue {
  if (!isContainer(value)) return value;
  if (Array.isArray(value)) return value.map(defined);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, defined(member)]));
}
