/** `tidemark verify FILE` */
import { hash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { ProofError, ProofVerifier, type VerificationReport, type VerifyOptions } from '@tidemark/proof';
import { Command } from 'commander';
import { nativeVerifyEcdsa, nativeVerifyEd25519 } from '../native.ts';
import { CliError, FAILURE, MISUSE } from './errors.ts';
import { Lines } from './lines.ts';
import type { Run } from './run.ts';

interface Options {
  lines?: boolean;
  json?: boolean;
  publisher?: string;
  logKey?: string;
  witness?: string[];
  quorum?: string;
  headers?: string;
  minConfs?: string;
  dev?: boolean;
}

export function verifyCommand(run: Run): Command {
  return new Command('verify')
    .description('Check a proof file, offline, or many. Exit code 0: all valid, 1: invalid, 2: misuse.')
    .argument('<file>', 'proof file, or - for standard input')
    .option('--lines', 'the file has one proof a line, as many as there are')
    .option('--json', 'print the report as JSON; with --lines, one a line')
    .option('--publisher <key>', 'pin the identity key that must have signed the manifest')
    .option('--log-key <key>', 'pin the C2SP verifier key that must have signed the checkpoint')
    .option('--witness <key...>', 'pin keys of witnesses that must have cosigned the checkpoint')
    .option('--quorum <n>', 'how many of the witnesses are enough (default: all)')
    .option('--headers <file>', 'block headers, 80 bytes each, that link to the pin of the chain')
    .option('--min-confs <n>', 'confirmations wanted (default 0: an unanchored proof will do)')
    .option('--dev', 'accept the development chain, which proves mechanics only')
    .action((file: string, options: Options) => run(verify(file, options)));
}

/** The runtime's own, which are many times as fast as those that run everywhere. */
const NATIVE = {
  sha256: (data: Uint8Array): Uint8Array => hash('sha256', data, 'buffer'),
  verifyEcdsa: nativeVerifyEcdsa,
  verifyEd25519: nativeVerifyEd25519,
};

async function verify(file: string, options: Options): Promise<number> {
  const verifier = verifierFor(verifyOptions(options));
  if (options.lines === true) return verifyLines(file, verifier, options.json ?? false);
  const report = verifier.verifyText(readProof(file));
  process.stdout.write(options.json === true ? `${JSON.stringify(report)}\n` : inWords(report));
  return report.valid ? 0 : FAILURE;
}

function verifierFor(options: VerifyOptions): ProofVerifier {
  try {
    return new ProofVerifier({ ...options, primitives: NATIVE });
  } catch (cause) {
    if (cause instanceof ProofError) throw new CliError(MISUSE, cause.message, { cause });
    throw cause;
  }
}

/** What proofs of one packet share is checked once. In words, of valid ones their number is said alone. */
async function verifyLines(file: string, verifier: ProofVerifier, json: boolean): Promise<number> {
  let [line, invalid] = [0, 0];
  const levels = new Map<string, number>();
  for await (const text of linesOf(file)) {
    line++;
    const report = verifier.verifyText(text);
    if (report.valid) levels.set(report.level, (levels.get(report.level) ?? 0) + 1);
    else invalid++;
    if (json) process.stdout.write(`${JSON.stringify({ line, ...report })}\n`);
    else if (!report.valid) process.stdout.write(`INVALID  line ${line}  ${report.reason}\n  ${report.detail}\n`);
  }
  if (line === 0) throw new CliError(MISUSE, `${file} holds no proof`);
  if (!json) {
    for (const [level, count] of levels) process.stdout.write(`VALID  ${count} ${level}\n`);
    if (invalid > 0) process.stdout.write(`INVALID  ${invalid} of ${line}\n`);
  }
  return invalid === 0 ? 0 : FAILURE;
}

async function* linesOf(file: string): AsyncGenerator<string> {
  // By line feeds alone: a payload may hold what others take for the end of a line.
  const lines = new Lines(file === '-' ? process.stdin : createReadStream(file));
  try {
    for (let [line] = await lines.next(1); line !== undefined; [line] = await lines.next(1))
      yield line.toString('utf8');
  } catch (cause) {
    throw new CliError(MISUSE, `${file} cannot be read`, { cause });
  }
}

function inWords(report: VerificationReport): string {
  if (!report.valid) return `INVALID  ${report.reason}\n  ${report.detail}\n`;
  const level = report.level === 'anchored' ? `anchored(${report.confirmations}) on ${report.chain}` : report.level;
  const lines = [
    `VALID  ${level}`,
    ...report.proven.map((fact) => `  proven   ${fact}`),
    ...report.trusted.map((belief) => `  trusted  ${belief}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** A file that cannot be read is misuse; one that is not JSON is an invalid proof, which the verifier says itself. */
function readProof(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    throw new CliError(MISUSE, `${file} cannot be read`, { cause });
  }
}

function verifyOptions(options: Options): VerifyOptions {
  return {
    ...(options.publisher === undefined ? {} : { publisher: options.publisher }),
    ...(options.logKey === undefined ? {} : { logKey: options.logKey }),
    ...(options.witness === undefined ? {} : { witnesses: options.witness }),
    ...(options.quorum === undefined ? {} : { quorum: count(options.quorum, '--quorum') }),
    ...(options.headers === undefined ? {} : { headers: readHeaders(options.headers) }),
    ...(options.minConfs === undefined ? {} : { minConfs: count(options.minConfs, '--min-confs') }),
    dev: options.dev ?? false,
  };
}

function readHeaders(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new CliError(MISUSE, `${file} cannot be read`, { cause });
  }
}

function count(text: string, option: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new CliError(MISUSE, `${option} takes a whole number, not ${text}`);
  return Number(text);
}
