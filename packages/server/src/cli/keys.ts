/** `tidemark keys new`, `tidemark keys show`, `tidemark keys rotate` */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { createSecretFile, IdentityKey, type KeyName, LogKey, rotateKey } from '../keys.ts';
import { lockDirectory } from '../store/sqlite/database.ts';
import { hasJournal } from '../store/sqlite/journal.ts';
import { SqliteLedgerReader } from '../store/sqlite/ledger-reader.ts';
import type { StreamConfig } from '../stream.ts';
import { CliError, MISUSE } from './errors.ts';
import type { Run } from './run.ts';

export function keysCommand(run: Run): Command {
  const keys = new Command('keys').description('Show the public keys that verifiers pin, or make private ones.');
  keys
    .command('show')
    .description('Print the public keys of each stream: what "verify --publisher" and "--log-key" take.')
    .requiredOption('--data <dir>', 'data directory; its server may be running')
    .exitOverride()
    .action((options: { data: string }) => run(showKeys(resolve(options.data))));
  keys
    .command('new')
    .description('Make a private key in a new file, readable by you alone, and print its public half.')
    .argument('<file>', 'the file to make; an existing one is never overwritten')
    .option('--log', 'an Ed25519 key for checkpoints, in place of a secp256k1 identity key')
    .exitOverride()
    .action((file: string, options: { log?: boolean }) => run(makeKey(file, options.log ?? false)));
  keys
    .command('rotate')
    .description('Put a new key in the place of one; each log then says so, signed by the key before.')
    .argument('<name>', 'identity: signs the manifests; log: signs the checkpoints')
    .requiredOption('--data <dir>', 'data directory; its server must not be running')
    .exitOverride()
    .action((name: string, options: { data: string }) => run(rotate(name, resolve(options.data))));
  return keys;
}

async function rotate(name: string, dataDir: string): Promise<number> {
  if (!isKeyName(name)) throw new CliError(MISUSE, `the key is "identity" or "log", not "${name}"`);
  if (!hasJournal(dataDir)) throw new CliError(MISUSE, `${dataDir} is no data directory`);
  const lock = lockDirectory(dataDir);
  try {
    const { before, after } = rotateKey(dataDir, name);
    process.stdout.write(`${before}\n  is replaced by\n${after}\n`);
    process.stdout.write('From its next start, the server says so in every log. Keep the former key until then.\n');
  } finally {
    lock.release();
  }
  return 0;
}

function isKeyName(name: string): name is KeyName {
  return name === 'identity' || name === 'log';
}

async function showKeys(dataDir: string): Promise<number> {
  if (!hasJournal(dataDir)) throw new CliError(MISUSE, `${dataDir} is no data directory`);
  const ledger = new SqliteLedgerReader(dataDir);
  for (const { stream, config } of ledger.streams()) {
    const { publisher, logKey } = JSON.parse(config) as StreamConfig;
    process.stdout.write(`${stream}\n  --publisher ${publisher}\n  --log-key ${logKey}\n`);
  }
  ledger.close();
  return 0;
}

async function makeKey(file: string, log: boolean): Promise<number> {
  const secret = Buffer.from(createSecretFile(file), 'hex');
  const publicKey = log ? Buffer.from(new LogKey(secret).publicKey).toString('hex') : new IdentityKey(secret).publicKey;
  process.stdout.write(`${publicKey}\n`);
  return 0;
}
