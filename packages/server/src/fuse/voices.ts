/** Who has a say in a contest: each source once, however many events it has there. */
import type { JsonValue } from '../json/parse.ts';
import type { Candidate, Standing } from './decision.ts';
import type { Strategy } from './policy.ts';

export interface Voice extends Standing {
  candidate: Candidate;
  payload: JsonValue;
  /** Trust × reputation in whole millionths, so that sums are exact and ties are ties. */
  weight: number;
}

export interface Heard {
  /** Sorted by source. */
  voices: Voice[];
  /** Events whose source has said something newer (under `first`: older), sorted by source and seq. */
  passedOver: Candidate[];
  /** Events that their source has sent once more with other content, sorted by source and seq. */
  revised: Candidate[];
}

/** What a voice says about the payload as a whole, or about one field of it. */
export interface Ballot {
  voice: Voice;
  value: JsonValue;
}

/** @param standing is asked once for each source */
export function hear(
  candidates: readonly Candidate[],
  strategy: Strategy,
  standing: (source: string) => Standing,
): Heard {
  const sorted = [...candidates].sort(bySourceAndSeq);
  // The newest version of an event comes last, and replaces those before whatever time it speaks of.
  const newest = new Map(sorted.map((candidate) => [`${candidate.source} ${candidate.eventId}`, candidate]));
  const chosen = new Map<string, Candidate>();
  for (const candidate of newest.values()) {
    const held = chosen.get(candidate.source);
    const speaks = held === undefined || isNewer(candidate, held) !== (strategy === 'first');
    if (speaks) chosen.set(candidate.source, candidate);
  }
  const versions = new Set(newest.values());
  return {
    voices: [...chosen.values()]
      .sort(bySourceAndSeq)
      .map((candidate) => voiceOf(candidate, standing(candidate.source))),
    passedOver: sorted.filter((item) => versions.has(item) && chosen.get(item.source) !== item),
    revised: sorted.filter((item) => !versions.has(item)),
  };
}

const MILLION = 1_000_000;

function voiceOf(candidate: Candidate, { trust, reputation }: Standing): Voice {
  const payload = JSON.parse(candidate.payload) as JsonValue;
  return { candidate, payload, trust, reputation, weight: Math.round(trust * reputation * MILLION) };
}

/** A weight as a share: 1 for full trust and reputation. */
export function shareOf(weight: number): number {
  return weight / MILLION;
}

function isNewer(a: Candidate, b: Candidate): boolean {
  return a.eventTime === b.eventTime ? a.seq > b.seq : a.eventTime > b.eventTime;
}

function bySourceAndSeq(a: Candidate, b: Candidate): number {
  return a.source === b.source ? a.seq - b.seq : a.source < b.source ? -1 : 1;
}
