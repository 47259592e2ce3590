/** The fusion decision: a pure function of the candidates, the policy and the sources' standing, in any order. */
import { canonicalize } from '@tidemark/proof';
import { type Tolerance, toleranceTree } from './agreement.ts';
import { auditEntry } from './audit.ts';
import { type Choice, choose, dissenters, type Plan, planOf, type Supported } from './choose.ts';
import type { Contest, Decision, Standing } from './decision.ts';
import { assemble, type Field, fieldsOf } from './fields.ts';
import type { FusionPolicy } from './policy.ts';
import { hear, type Voice } from './voices.ts';

/** A field and what the voices that have it make of it; of a payload as a whole, the one field with an empty path. */
export interface Answer extends Field {
  choice: Choice;
}

/**
 * @param contest with at least one candidate
 * @param policyHash SHA-256 of the policy's RFC 8785 text, hex
 */
export function decide(
  contest: Contest,
  policy: FusionPolicy,
  policyHash: string,
  standing: (source: string) => Standing,
): Decision {
  const heard = hear(contest.candidates, policy.strategy, standing);
  const plan = planOf(policy);
  const tolerance = toleranceTree(policy.tolerance);
  const answers = policy.fields === 'each' ? each(heard.voices, plan, tolerance) : whole(heard.voices, plan, tolerance);
  const outcome = outcomeOf(answers, policy);
  const judged = outcome === 'resolved' ? judge(answers) : { agreed: [], disagreed: [] };
  return {
    outcome,
    payload: outcome === 'resolved' ? payloadOf(answers, policy) : outcome === 'unresolved' ? 'null' : undefined,
    ...judged,
    conflict: answers.some(({ choice }) => choice.conflict),
    audit: auditEntry({ contest, policy, policyHash, heard, answers, outcome, tolerance }),
  };
}

function whole(voices: readonly Voice[], plan: Plan, tolerance: Tolerance | undefined): Answer[] {
  const ballots = voices.map((voice) => ({ voice, value: voice.payload }));
  // Numbers that merely count or date would pull the median as much as what was measured.
  const measured = plan.policy.tolerance && Object.keys(plan.policy.tolerance);
  return [{ path: [], ballots, choice: choose(ballots, plan, tolerance, measured) }];
}

function each(voices: readonly Voice[], plan: Plan, tolerance: Tolerance | undefined): Answer[] {
  const fields = fieldsOf(voices.map((voice) => ({ voice, value: voice.payload })));
  return fields.map((field) => {
    const below = field.path.reduce<Tolerance | undefined>((tree, name) => tree?.members.get(name), tolerance);
    return { ...field, choice: choose(field.ballots, plan, below) };
  });
}

function outcomeOf(answers: readonly Answer[], { onNoQuorum }: FusionPolicy): Decision['outcome'] {
  const open = answers.filter(({ choice }) => choice.winner === undefined);
  if (open.length > 0 && onNoQuorum !== 'unresolved') return 'quarantined';
  return open.length === answers.length ? 'unresolved' : 'resolved';
}

/** RFC 8785 text of a resolved record. A field without a winner is null. */
function payloadOf(answers: readonly Answer[], { fields }: FusionPolicy): string {
  const winners = answers.map(({ choice }) => choice.winner);
  if (fields === 'each') {
    const values = winners.map((winner) => winner?.value ?? null);
    return canonicalize(assemble(answers, values));
  }
  return (winners[0] as Supported).voice.candidate.payload;
}

/** A voice that nobody else could confirm or deny is not counted: a source does not earn its standing by itself. */
function judge(answers: readonly Answer[]): { agreed: string[]; disagreed: string[] } {
  const compared = new Set<string>();
  const disagreed = new Set<string>();
  for (const { ballots, choice } of answers) {
    if (choice.winner === undefined || ballots.length < 2) continue;
    for (const { voice } of ballots) compared.add(voice.candidate.source);
    for (const { voice } of dissenters(choice)) disagreed.add(voice.candidate.source);
  }
  return { agreed: [...compared].filter((source) => !disagreed.has(source)).sort(), disagreed: [...disagreed].sort() };
}
