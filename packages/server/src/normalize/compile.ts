import { hash } from 'node:crypto';
import { canonicalize } from '@tidemark/proof';
import type { JsonObject } from '../json/parse.ts';
import { compileEventTime } from './event-time.ts';
import { compileMapped } from './mapped.ts';
import { type MappingPolicy, parsePolicy } from './policy.ts';
import { compileSchema } from './schema/compile.ts';
import { compileWhole } from './whole.ts';

export interface NormalizeResult {
  /** RFC 8785 text. Well-formed also for an event with issues, with the values as they came. */
  payload: string;
  /** RFC 3339 UTC with milliseconds. */
  eventTime: string;
  /** At most `MAX_ISSUES`, in an order that hangs on the event and the policy alone. */
  issues: string[];
  /** There are issues, and the policy does not certify in spite of them. */
  quarantined: boolean;
}

export interface CompiledPolicy {
  /** SHA-256 of the policy's RFC 8785 text, hex. */
  hash: string;
  /** @param observedAt arrival, milliseconds since 1970 */
  normalize(event: JsonObject, observedAt: number): NormalizeResult;
}

/**
 * Turns a policy into closures, once for all its events. The same event and arrival always give the same result.
 * @throws PolicyError
 */
export function compilePolicy(policy: MappingPolicy): CompiledPolicy {
  const { map, timeField, constraints, onIssue } = parsePolicy(policy);
  const mapped = map !== undefined && Object.keys(map).length > 0;
  const writePayload = mapped ? compileMapped(policy, map) : compileWhole(policy);
  const checkSchema = constraints?.schema && compileSchema(constraints.schema);
  const eventTime = compileEventTime(timeField);
  return {
    hash: hash('sha256', canonicalize(policy), 'hex'),
    normalize(event, observedAt) {
      const issues: string[] = [];
      const payload = writePayload(event, issues);
      checkSchema?.(payload, issues);
      const time = eventTime(event, observedAt, issues);
      return { payload, eventTime: time, issues, quarantined: issues.length > 0 && onIssue !== 'certify' };
    },
  };
}
