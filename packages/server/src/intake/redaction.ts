/**
 * What a policy keeps out of the journal: paths of the raw event that are taken out (`redact`), values that a keyed
 * hash stands in for (`hash`), and, of events that say that they are about a person, more of both and texts that are
 * masked (`pii`). It works before anything is hashed or stored, so no trace of a value stays, not even in `rawHash` or
 * an event id, which anyone could try values against where there are few.
 */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { canonicalText, rereadableText } from '../json/canonical.ts';
import { isContainer, type JsonObject, type JsonValue } from '../json/parse.ts';
import { ownValue, parsePath } from '../json/path.ts';
import { KeyError } from '../keys.ts';
import type { Source } from '../stream.ts';
import { maskTexts } from './masking.ts';

type Policy = Source['policy'];
type Container = JsonObject | JsonValue[];
/** Changes the value that a container holds under a name. */
type Edit = (holder: Container, name: string, value: JsonValue) => void;

type Step = (event: JsonObject) => void;
/** A member of the policy, or of its `pii`. */
type Paths = Pick<NonNullable<Policy['pii']>, 'redact' | 'hash' | 'mask'>;

export interface Redaction {
  /** Whether the policy has this event changed; otherwise it is journaled as it came. */
  concerns(event: JsonObject): boolean;
  /** Changes the event in place. @returns its canonical text then, as of `rereadableText`: the bytes to be journaled */
  apply(event: JsonObject): string;
}

/** Whether a source with this policy needs a key. */
export function hashesFields({ hash = [], pii }: Policy): boolean {
  return hash.length > 0 || (pii?.hash ?? []).length > 0;
}

/** Whether an event says that it is about a person. Text and numbers do not: `true` alone is what a mark is. */
export function isMarked(event: JsonObject): boolean {
  if (ownValue(event, 'pii') === true) return true;
  const metadata = ownValue(event, 'metadata');
  return isContainer(metadata) && ownValue(metadata, 'pii') === true;
}

/**
 * @param policy whose paths do not overlap, as `parsePolicy` sees to it
 * @param key of the source, for its keyed hashes
 * @returns undefined for a policy that takes events as they come
 * @throws KeyError `key-missing`, PathError
 */
export function compileRedaction(policy: Policy, key: Uint8Array | undefined): Redaction | undefined {
  const replace = hashesFields(policy) ? replaceUnder(secretOf(key)) : undefined;
  const always = compileSteps(policy, replace);
  const ofMarked = [...always, ...compileSteps(policy.pii ?? {}, replace)];
  if (ofMarked.length === 0) return undefined;
  // Asked first, as the mark itself may be taken out.
  const stepsFor = (event: JsonObject) => (ofMarked.length > always.length && isMarked(event) ? ofMarked : always);
  return {
    concerns: (event) => stepsFor(event).length > 0,
    apply(event) {
      for (const step of stepsFor(event)) step(event);
      return rereadableText(event);
    },
  };
}

function secretOf(key: Uint8Array | undefined): KeyObject {
  if (key === undefined) throw new KeyError('key-missing', 'a policy that hashes fields needs the key of its source');
  return createSecretKey(key);
}

/** @param replace there if anything is hashed */
function compileSteps({ redact = [], hash = [], mask = [] }: Paths, replace: Edit | undefined): Step[] {
  const steps = redact.map((path) => compileStep(path, remove));
  if (replace !== undefined) steps.push(...hash.map((path) => compileStep(path, replace)));
  return [...steps, ...mask.map((path) => compileStep(path, maskTexts))];
}

function compileStep(path: string, edit: Edit): Step {
  const segments = parsePath(path);
  const last = segments.pop() as string;
  return (event) => {
    let holder: Container = event;
    for (const segment of segments) {
      const next = ownValue(holder, segment);
      if (!isContainer(next)) return;
      holder = next;
    }
    const value = ownValue(holder, last);
    if (value !== undefined) edit(holder, last, value);
  };
}

/** An item of an array leaves null behind, so that paths to those after it still mean the same. */
function remove(holder: Container, name: string): void {
  if (Array.isArray(holder)) holder[Number(name)] = null;
  else delete holder[name];
}

/**
 * A value becomes `hmac-sha256:` and 64 hex digits: HMAC-SHA-256 (RFC 2104) of its RFC 8785 text. Null stays: it hides
 * nothing, and as text it would be an id, the same for every event that has none.
 */
function replaceUnder(key: KeyObject): Edit {
  return (holder, name, value) => {
    if (value === null) return;
    const digest = createHmac('sha256', key).update(canonicalText(value)).digest('hex');
    // Safe for any name: it is the holder's own member already.
    (holder as JsonObject)[name] = `hmac-sha256:${digest}`;
  };
}
