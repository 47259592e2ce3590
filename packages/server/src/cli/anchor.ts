/** `tidemark anchor address`, `fund`, `coins`: what anchors on BSV are paid with. */
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { addressOf } from '../anchor/address.ts';
import { FundingError, fundingCoins, MAX_FUNDING_BYTES } from '../anchor/arc/funding.ts';
import { type IdentityKey, openAnchorKey } from '../keys.ts';
import { lockDirectory } from '../store/sqlite/database.ts';
import { hasJournal } from '../store/sqlite/journal.ts';
import { SqliteLedger } from '../store/sqlite/ledger.ts';
import { SqliteLedgerReader } from '../store/sqlite/ledger-reader.ts';
import { CliError, FAILURE, MISUSE } from './errors.ts';
import type { Run } from './run.ts';

interface Options {
  data: string;
  keyFile?: string;
  chain: 'main' | 'test' | 'regtest';
}

export function anchorCommand(run: Run): Command {
  const anchor = new Command('anchor').description('What anchors on BSV are paid with.');
  common(anchor.command('address'))
    .description('Print the address to pay to, and its public key; the key is made where there is none.')
    .action((options: Options) => run(address(options)));
  common(anchor.command('fund'))
    .argument('<file>', 'transaction or BEEF, binary or hex, with outputs to that address')
    .description('Bring in coins, also those that had been set aside. The server must not be running.')
    .action((file: string, options: Options) => run(fund(file, options)));
  common(anchor.command('coins'))
    .description('List the coins that are not spent; the server may be running.')
    .action((options: Options) => run(coins(options)));
  return anchor;
}

function common(command: Command): Command {
  return command
    .requiredOption('--data <dir>', 'data directory')
    .option('--key-file <file>', 'the anchor key, as ANCHOR_KEY_FILE has it; default: anchor.key in the data directory')
    .addOption(new Option('--chain <chain>', 'the network').choices(['main', 'test', 'regtest']).default('main'))
    .exitOverride();
}

async function address(options: Options): Promise<number> {
  const dataDir = checkedDirectory(options);
  const { publicKey } = openKey(dataDir, options, !hasCoins(dataDir));
  const shown = addressOf(publicKey, options.chain === 'main' ? 'main' : 'test');
  process.stdout.write(`${shown}\n${publicKey}\n`);
  return 0;
}

async function fund(file: string, options: Options): Promise<number> {
  const dataDir = checkedDirectory(options);
  const key = openKey(dataDir, options, false);
  const found = readFunding(file, options, key);
  const lock = lockDirectory(dataDir);
  try {
    const ledger = new SqliteLedger(dataDir);
    const taken = ledger.fund(found);
    ledger.close();
    const sum = found.reduce((total, { satoshis }) => total + satoshis, 0);
    process.stdout.write(`${found.length} coins, ${sum} satoshis; ${found.length - taken} of them known before\n`);
  } finally {
    lock.release();
  }
  return 0;
}

function readFunding(file: string, { chain }: Options, key: IdentityKey): ReturnType<typeof fundingCoins> {
  try {
    if (statSync(file).size > MAX_FUNDING_BYTES) throw new FundingError('malformed', `${file} is too large`);
    return fundingCoins(readFileSync(file), chain, key.publicKey);
  } catch (cause) {
    const known = cause instanceof FundingError || (cause as NodeJS.ErrnoException).code !== undefined;
    if (!known) throw cause;
    throw new CliError(FAILURE, (cause as Error).message, { cause });
  }
}

async function coins(options: Options): Promise<number> {
  const ledger = new SqliteLedgerReader(checkedDirectory(options));
  const rows = ledger.coins.unspent().filter(({ chain }) => chain === options.chain);
  ledger.close();
  for (const { txid, vout, satoshis, state } of rows) process.stdout.write(`${txid}:${vout} ${satoshis} ${state}\n`);
  const free = rows.filter(({ state }) => state === 'free').reduce((sum, { satoshis }) => sum + satoshis, 0);
  process.stdout.write(`${free} satoshis to be spent\n`);
  return 0;
}

function openKey(dataDir: string, { keyFile }: Options, fresh: boolean): IdentityKey {
  return openAnchorKey(keyFile === undefined ? join(dataDir, 'anchor.key') : resolve(keyFile), fresh);
}

function hasCoins(dataDir: string): boolean {
  const ledger = new SqliteLedgerReader(dataDir);
  const any = ledger.coins.unspent().length > 0;
  ledger.close();
  return any;
}

function checkedDirectory({ data }: Options): string {
  const dataDir = resolve(data);
  if (!hasJournal(dataDir)) throw new CliError(MISUSE, `${dataDir} is no data directory; start the server once`);
  return dataDir;
}
