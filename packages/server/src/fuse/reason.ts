/** Why a decision is what it is, in plain words: bounded in length, whatever the candidates hold. */
import { firstDifference, type Tolerance } from './agreement.ts';
import type { Decided } from './audit.ts';
import { type Choice, dissenters, isInQuestion, type Supported, weightOf } from './choose.ts';
import type { Answer } from './decide.ts';
import type { Candidate } from './decision.ts';
import type { FusionPolicy, TieBreaker } from './policy.ts';
import { listed, shown, shownField, shownPath } from './text.ts';
import { type Ballot, shareOf } from './voices.ts';

/** Dissenters, fields and tolerances that are spelled out, the last of them as how many more there are. */
const MAX_SPELLED = 4;

export function reasonFor(decided: Decided): string {
  const said = decided.policy.fields === 'each' ? onFields(decided) : onWhole(decided);
  return [...said, ...onPassedOver(decided)].join(' ');
}

function onWhole({ policy, outcome, tolerance, answers }: Decided): string[] {
  const { choice } = answers[0] as Answer;
  const { winner, ballots, conflict } = choice;
  const agreement = conflict || ballots.length === 1 ? [] : [`All ${ballots.length} sources agree${within(policy)}.`];
  if (winner === undefined) {
    const example = conflict ? [openDifference(choice, tolerance)] : agreement;
    return [`${noQuorum(choice, policy)}.`, ...example, ...fateOf(outcome)];
  }
  const against = dissenters(choice).map((other, index) => {
    if (index >= MAX_SPELLED) return sourceOf(other);
    const { path, a, b } = firstDifference(winner.value, other.value, tolerance);
    return `${sourceOf(other)} (${shownPath(path)} ${shown(b)}, not ${shown(a)})`;
  });
  return [
    `${ruleWords(choice, winner, policy)}.`,
    ...(choice.tieBreaker === undefined || isByPriority(choice)
      ? []
      : [`${tieWords(choice, choice.tieBreaker, winner, 'The')}.`]),
    ...(against.length === 0 ? agreement : [`Against: ${listed(against, MAX_SPELLED)}.`]),
  ];
}

function onFields({ policy, outcome, answers }: Decided): string[] {
  const open = answers.filter(({ choice }) => isInQuestion(choice));
  const needed = policy.strategy === 'quorum' ? ` (${policy.min} needed)` : '';
  const head = `${answers.length} ${answers.length === 1 ? 'field' : 'fields'}, each by ${policy.strategy}${needed}`;
  if (open.length === 0) return [`${head}: no source differs.`];
  const spelled = open.slice(0, MAX_SPELLED).map((answer) => fieldWords(answer, policy));
  const more = open.length - spelled.length;
  return [
    `${head}: ${open.length} in question.`,
    ...spelled,
    ...(more > 0 ? [`And ${more} more.`] : []),
    ...(outcome === 'resolved' && answers.some(({ choice }) => choice.winner === undefined)
      ? ['What has no quorum is null.']
      : fateOf(outcome)),
  ];
}

function fieldWords({ path, choice }: Answer, policy: FusionPolicy): string {
  const { winner, tieBreaker, rule } = choice;
  const name = shownPath(path);
  if (winner === undefined) return `${name}: ${noQuorum(choice, policy, 'no')}.`;
  const against = dissenters(choice).map((other) => `${shown(other.value)} of ${sourceOf(other)}`);
  const fallback = rule === 'fallback-priority' ? `${noQuorum(choice, policy, 'no')}, so by priority ` : '';
  const agreeing = choice.differ ? ', all within the tolerance' : '';
  const others = against.length === 0 ? agreeing : ` against ${listed(against, MAX_SPELLED)}`;
  const tie = tieBreaker === undefined ? '' : `; ${tieWords(choice, tieBreaker, winner, 'the')}`;
  const value = `${shown(winner.value)} of ${sourceOf(winner)}`;
  return `${name}: ${fallback}${value} stands${backing(choice, winner)}${others}${tie}.`;
}

function backing(choice: Choice, winner: Supported): string {
  if (choice.rule === 'quorum' || choice.rule === 'majority') return ` with ${votes(choice)}`;
  return choice.rule === 'weighted' ? ` with weight ${total(winner.support)} of ${total(choice.ballots)}` : '';
}

function onPassedOver({ policy, heard }: Decided): string[] {
  const age = policy.strategy === 'first' ? 'older' : 'newer';
  return [
    ...passedOver(heard.passedOver, (sources) => `${sources === 1 ? 'it has' : 'they have'} said something ${age}`),
    ...passedOver(heard.revised, () => 'newer versions of the same are there'),
  ];
}

function passedOver(events: readonly Candidate[], why: (sources: number) => string): string[] {
  const count = events.length;
  if (count === 0) return [];
  const sources = [...new Set(events.map(({ source }) => source))];
  const are = count === 1 ? '1 event of' : `${count} events of`;
  return [`${are} ${listed(sources)} ${count === 1 ? 'is' : 'are'} passed over: ${why(sources.length)}.`];
}

function ruleWords(choice: Choice, winner: Supported, policy: FusionPolicy): string {
  const { rule, ballots } = choice;
  const { eventTime } = winner.voice.candidate;
  const source = sourceOf(winner);
  switch (rule) {
    case 'quorum':
      return `${votes(choice)} (${policy.min} needed) for what ${sayers(winner, policy)}`;
    case 'majority':
      return `${votes(choice)} for what ${sayers(winner, policy)}, there being no numbers for a median`;
    case 'weighted':
      return `Weight ${total(winner.support)} of ${total(ballots)} for what ${sayers(winner, policy)}`;
    case 'median':
      return `${source} is nearest to the median`;
    case 'latest':
      return `${source} speaks of the latest time, ${eventTime}`;
    case 'first':
      return `${source} speaks of the earliest time, ${eventTime}`;
    case 'priority':
      return byPriority(source, policy);
    case 'fallback-priority':
      return `${noQuorum(choice, policy)}; ${byPriority(source, policy)}`;
    case 'no-quorum':
      return noQuorum(choice, policy);
  }
}

function byPriority(source: string, { priority }: FusionPolicy): string {
  return priority?.includes(source) === true
    ? `${source} comes first in the order of priority`
    : `${source} comes first by its id, no source being in the order of priority`;
}

function noQuorum({ most, ballots }: Choice, { min }: FusionPolicy, no = 'No'): string {
  return `${no} quorum, with at most ${most} of ${ballots.length} votes for the same (${min} needed)`;
}

const BREAKERS: Record<TieBreaker, string> = {
  priority: 'priority',
  trust: 'trust',
  eventTime: 'event time',
  sourceId: 'source id',
};

function tieWords({ tied }: Choice, by: TieBreaker, winner: Supported, the: string): string {
  return `${the} tie of ${listed(tied.map(sourceOf))} goes by ${BREAKERS[by]} to ${sourceOf(winner)}`;
}

/** Then the tie is one of sources that are not in the list, which the words for the rule say already. */
function isByPriority({ rule }: Choice): boolean {
  return rule === 'priority' || rule === 'fallback-priority';
}

/** Of the first voice that not all agree with, and the first that does not. */
function openDifference({ ballots }: Choice, tolerance: Tolerance | undefined): string {
  const one = ballots.find(({ support }) => support.length < ballots.length) as Supported;
  const supporters = new Set(one.support.map(({ voice }) => voice));
  const other = ballots.find(({ voice }) => !supporters.has(voice)) as Supported;
  const { path, a, b } = firstDifference(one.value, other.value, tolerance);
  return `${sourceOf(one)} has ${shownPath(path)} ${shown(a)}, ${sourceOf(other)} ${shown(b)}.`;
}

function fateOf(outcome: Decided['outcome']): string[] {
  if (outcome === 'resolved') return [];
  return [outcome === 'unresolved' ? 'The record is null.' : 'All candidates are held back.'];
}

function votes({ most, ballots }: Choice): string {
  return `${most} of ${ballots.length} ${ballots.length === 1 ? 'vote' : 'votes'}`;
}

function sayers({ support }: Supported, policy: FusionPolicy): string {
  const [says, tolerance] = support.length === 1 ? ['says', ''] : ['say', within(policy)];
  return `${listed(support.map(sourceOf))} ${says}${tolerance}`;
}

function within({ tolerance }: FusionPolicy): string {
  const fields = Object.entries(tolerance ?? {}).map(([field, by]) => `${shownField(field)} ±${by}`);
  return fields.length === 0 ? '' : ` within ${listed(fields, MAX_SPELLED)}`;
}

function total(ballots: readonly Ballot[]): number {
  return shareOf(weightOf(ballots));
}

function sourceOf({ voice }: Ballot): string {
  return voice.candidate.source;
}
