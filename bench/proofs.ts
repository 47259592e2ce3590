/**
 * `node bench/proofs.ts [COUNT]`: proofs of one packet, checked one by one and by one `ProofVerifier`, from parsed JSON
 * and from lines of text, with the functions that ship and with the runtime's own SHA-256. One thread; prints JSON.
 */
import { hash } from 'node:crypto';
import { ProofVerifier, type Sha256, type VerifyOptions, verifyProof } from '@tidemark/proof';
import { pins } from '../packages/proof/test/fixture.ts';
import { packetProofs } from '../packages/proof/test/packet.ts';

const COUNT = Number(process.argv[2] ?? 100_000);
const SINGLES = 100;
/** Parsed proofs take many times the room of their text, so they are parsed in portions, outside of the time taken. */
const PORTION = 10_000;

const nativeSha256: Sha256 = (data) => hash('sha256', data, 'buffer');
const texts = [...packetProofs(COUNT)];

interface Rates {
  microsecondsEach: number;
  seconds: number;
}

/** @param check whether all are valid */
function measure<T>(inputs: readonly T[][], check: (input: T) => boolean): Rates {
  let [taken, count] = [0, 0];
  for (const portion of inputs) {
    const start = performance.now();
    if (!portion.every(check)) throw new TypeError('a proof of the bench is not valid');
    taken += performance.now() - start;
    count += portion.length;
  }
  return { microsecondsEach: (taken * 1000) / count, seconds: taken / 1000 };
}

function portions(): string[][] {
  return Array.from({ length: Math.ceil(COUNT / PORTION) }, (_, i) => texts.slice(i * PORTION, (i + 1) * PORTION));
}

/** Each portion is parsed when its turn comes, and let go. */
function measureParsed(check: (proof: unknown) => boolean): Rates {
  const parts = portions().map((lines) => measure([lines.map((line) => JSON.parse(line) as unknown)], check));
  const seconds = parts.reduce((sum, part) => sum + part.seconds, 0);
  return { microsecondsEach: (seconds * 1e6) / COUNT, seconds };
}

function measureBatch(options: VerifyOptions): { parsed: Rates; lines: Rates } {
  const [parsed, lines] = [new ProofVerifier(options), new ProofVerifier(options)];
  return {
    parsed: measureParsed((proof) => parsed.verify(proof).valid),
    lines: measure(portions(), (line) => lines.verifyText(line).valid),
  };
}

const singles = texts.slice(0, SINGLES);
const figures = {
  proofs: COUNT,
  bytesEach: Math.round(texts.reduce((sum, { length }) => sum + length, 0) / COUNT),
  single: measure([singles], (line) => verifyProof(JSON.parse(line), pins).valid),
  batch: measureBatch(pins),
  batchNative: measureBatch({ ...pins, primitives: { sha256: nativeSha256 } }),
};
process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
