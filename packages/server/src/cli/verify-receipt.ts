/** `tidemark verify-receipt FILE` */
import { readFileSync } from 'node:fs';
import { ProofError, parseReceipt, type Receipt } from '@tidemark/proof';
import { Command } from 'commander';
import { auditReceipt, type ReceiptVerdict, unsigned } from '../audit/receipt.ts';
import { CliError, FAILURE, MISUSE } from './errors.ts';
import { isLogKey, serverAt } from './log-server.ts';
import type { Run } from './run.ts';

interface Options {
  logKey: string;
  url?: string;
  tokenFile?: string;
  json?: boolean;
}

const PENDING = 3;
const UNCHECKED = 4;

export function verifyReceiptCommand(run: Run): Command {
  return new Command('verify-receipt')
    .description(
      "Check a signed receipt, and whether the log keeps what it promises. Without --url, the receipt's signature alone. " +
        'Exit code 0: kept, 1: broken, with the reason, 2: misuse, 3: not due yet, 4: the log cannot be read.',
    )
    .argument('<file>', 'the receipt, or an intake answer that holds one; - for standard input')
    .requiredOption('--log-key <key>', 'C2SP verifier key of the log that has to keep it')
    .option('--url <url>', 'the server whose log is held against it')
    .option('--token-file <file>', 'file with a token that may read, for a server that asks for one')
    .option('--json', 'print the verdict as JSON')
    .action((file: string, options: Options) => run(verifyReceiptFile(file, options)));
}

async function verifyReceiptFile(file: string, options: Options): Promise<number> {
  const { logKey, url, tokenFile, json } = options;
  if (!isLogKey(logKey)) throw new CliError(MISUSE, `--log-key takes name+hash+key, not ${logKey}`);
  const receipt = readReceipt(file);
  const verdict =
    url === undefined
      ? (unsigned(receipt, logKey) ?? 'signed')
      : await auditReceipt(serverAt(url, tokenFile), receipt, logKey, Date.now());
  const shown = verdict === 'signed' ? { outcome: verdict } : verdict;
  process.stdout.write(json === true ? `${JSON.stringify({ ...shown, receipt })}\n` : inWords(receipt, verdict));
  if (verdict === 'signed' || verdict.outcome === 'kept') return 0;
  if (verdict.outcome === 'unchecked') return UNCHECKED;
  return verdict.outcome === 'pending' ? PENDING : FAILURE;
}

function inWords({ source, from, to, time }: Receipt, verdict: ReceiptVerdict | 'signed'): string {
  const what = `seq ${from} to ${to} of ${source}, acknowledged at ${time}`;
  if (verdict === 'signed') return `SIGNED  ${what}\n  note  --url holds the log against it\n`;
  switch (verdict.outcome) {
    case 'kept':
      return `KEPT  ${what}\n${verdict.notes.map((note) => `  note  ${note}\n`).join('')}`;
    case 'pending':
      return `PENDING  ${what}\n  ${verdict.missing} of them have until ${verdict.due}\n`;
    case 'unchecked':
      return `UNCHECKED  ${what}\n  the log cannot be read, which proves nothing: ${verdict.detail}\n`;
    case 'broken': {
      const evidence = verdict.checkpoint === undefined ? '' : `  evidence\n${verdict.checkpoint}`;
      return `BROKEN  ${what}\n  ${verdict.reason}  ${verdict.detail}\n${evidence}`;
    }
  }
}

function readReceipt(file: string): Receipt {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'));
  } catch (cause) {
    throw new CliError(MISUSE, `${file} cannot be read as JSON`, { cause });
  }
  try {
    const { receipt } = Object(value) as { receipt?: unknown };
    return parseReceipt(receipt ?? value);
  } catch (cause) {
    if (cause instanceof ProofError) throw new CliError(MISUSE, cause.message, { cause });
    throw cause;
  }
}
