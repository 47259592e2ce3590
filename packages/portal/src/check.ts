import { type VerificationReport, verifyProof } from '@tidemark/proof';
import { PortalError } from './errors.ts';

export type Json = Record<string, unknown>;

export interface Checked {
  proof: Json;
  report: VerificationReport;
}

/**
 * Verifies the text of a proof file here, without the server. The development chain is let in and marked: on a machine
 * that tries Tidemark out there is no other.
 */
export function check(text: string): Checked {
  const proof = parseProof(text);
  return { proof, report: verifyProof(proof, { dev: true }) };
}

export function parseProof(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PortalError('not-json', 'This text is not JSON.', { cause });
  }
  if (typeof value !== 'object' || value === null) throw new PortalError('not-json', 'This text is not a JSON object.');
  return value as Json;
}
