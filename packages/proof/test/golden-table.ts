/** What the golden files say, held against the verifier. No runtime's own functions: this runs wherever the verifier does. */
import { canonicalize, ProofVerifier, type VerificationReport, type VerifyOptions, verifyProof } from '../src/index.ts';
import { replaceAt } from './mutations.ts';

export interface GoldenProof {
  name: string;
  proof: unknown;
  options: VerifyOptions;
  /** The report without its sentences. */
  report: object;
}

/** A proof with one value changed, and why it is then refused. */
export interface Tampering {
  proof: string;
  path: (string | number)[];
  value: unknown;
  reason: string;
}

export interface GoldenTable {
  proofs: GoldenProof[];
  tampered: Tampering[];
}

/** One line for each golden proof or tampering that does not get its report. */
export function disagreements({ proofs, tampered }: GoldenTable): string[] {
  return proofs.flatMap(({ name, proof, options, report }) => {
    const verifier = new ProofVerifier(options);
    const cases = tampered.filter((one) => one.proof === name);
    return [
      ...difference(name, verifyProof(proof, options), report),
      ...difference(`${name}, known`, [proof, proof].map((one) => verifier.verify(one))[1]!, report),
      ...cases.flatMap(({ path, value, reason }) => {
        const changed = replaceAt(proof, path.map(String), () => value);
        return difference(`${name} ${path.join('.')}`, verifier.verify(changed), { valid: false, reason });
      }),
    ];
  });
}

function difference(what: string, got: VerificationReport, wanted: object): string[] {
  const { proven: _, trusted: __, detail: ___, ...rest } = { proven: [], trusted: [], detail: '', ...got };
  const [is, should] = [canonicalize(rest), canonicalize(wanted)];
  return is === should ? [] : [`${what}: ${is}, not ${should}`];
}
