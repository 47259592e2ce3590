/** What became of a whole sample. */
import type { Trial } from './trial.ts';

export class Summary {
  events = 0;
  readonly outcomes: Record<Trial['outcome'], number> = {
    certified: 0,
    'certified-with-issues': 0,
    quarantined: 0,
    duplicate: 0,
    refused: 0,
  };
  revisions = 0;
  /** How often each kind of issue, and each reason for a refusal, came up. */
  readonly issues = new Map<string, number>();
  readonly refusals = new Map<string, number>();

  add(trial: Trial): void {
    this.events++;
    this.outcomes[trial.outcome]++;
    if (trial.outcome === 'refused') count(this.refusals, trial.error);
    if (!('issues' in trial)) return;
    if (trial.revision) this.revisions++;
    for (const issue of trial.issues) count(this.issues, issue.split(':', 1)[0] as string);
  }

  /** Whether every event would be certified, or has been. */
  get clean(): boolean {
    return this.outcomes.quarantined === 0 && this.outcomes.refused === 0;
  }
}

function count(counts: Map<string, number>, kind: string): void {
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
}
