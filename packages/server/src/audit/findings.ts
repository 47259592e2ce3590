/** What an audit holds against a log, each with its reason. */

export type FindingReason =
  /** What the log says now has not grown out of what it said before. */
  | 'rewritten'
  /** Two checkpoints of one size, and not of one tree. */
  | 'forked'
  /** An event that the log should have is not in it. */
  | 'omitted'
  /** An event is in the log again, and nothing says that the first one is superseded. */
  | 'duplicated'
  | 'bad-signature'
  /** Leaves, tiles or a manifest that are not of the tree whose root is signed. */
  | 'root-mismatch'
  | 'malformed'
  | 'unreachable';

export interface Finding {
  reason: FindingReason;
  detail: string;
  /** The signed checkpoints that contradict each other: whoever has them can show it to anyone. */
  evidence?: readonly string[];
}

/** Ends the audit of a log: what comes after could not be relied on. */
export class AuditError extends Error {
  readonly reason: FindingReason;
  readonly evidence: readonly string[] | undefined;

  constructor(reason: FindingReason, detail: string, options: ErrorOptions & { evidence?: readonly string[] } = {}) {
    super(detail, options);
    this.name = 'AuditError';
    this.reason = reason;
    this.evidence = options.evidence;
  }

  get finding(): Finding {
    const { reason, message, evidence } = this;
    return { reason, detail: message, ...(evidence === undefined ? {} : { evidence }) };
  }
}

/** A log can be wrong in as many places as it has leaves; these are listed, the others counted. */
const MAX_LISTED = 100;

export class Findings {
  readonly list: Finding[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(finding: Finding): void {
    this.#count++;
    if (this.list.length < MAX_LISTED) this.list.push(finding);
  }
}
