/** `tidemark verify FILE` */
import { readFileSync } from 'node:fs';
import { ProofError, type VerificationReport, type VerifyOptions, verifyProof } from '@tidemark/proof';
import { Command } from 'commander';
import { CliError, FAILURE, MISUSE } from './errors.ts';
import type { Run } from './run.ts';

interface Options {
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
    .description('Check a proof file, offline. Exit code 0: valid, 1: invalid, 2: misuse.')
    .argument('<file>', 'proof file, or - for standard input')
    .option('--json', 'print the report as JSON')
    .option('--publisher <key>', 'pin the identity key that must have signed the manifest')
    .option('--log-key <key>', 'pin the C2SP verifier key that must have signed the checkpoint')
    .option('--witness <key...>', 'pin keys of witnesses that must have cosigned the checkpoint')
    .option('--quorum <n>', 'how many of the witnesses are enough (default: all)')
    .option('--headers <file>', 'block headers, 80 bytes each, that link to the pin of the chain')
    .option('--min-confs <n>', 'confirmations wanted (default 0: an unanchored proof will do)')
    .option('--dev', 'accept the development chain, which proves mechanics only')
    .action((file: string, options: Options) => run(verify(file, options)));
}

async function verify(file: string, options: Options): Promise<number> {
  const report = reportOn(readProof(file), verifyOptions(options));
  process.stdout.write(options.json === true ? `${JSON.stringify(report)}\n` : inWords(report));
  return report.valid ? 0 : FAILURE;
}

function reportOn(proof: unknown, options: VerifyOptions): VerificationReport {
  try {
    return verifyProof(proof, options);
  } catch (cause) {
    if (cause instanceof ProofError) throw new CliError(MISUSE, cause.message, { cause });
    throw cause;
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
function readProof(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    throw new CliError(MISUSE, `${file} cannot be read`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
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
