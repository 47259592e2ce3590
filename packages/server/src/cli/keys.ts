/** `tidemark keys new` */
import { Command } from 'commander';
import { createSecretFile, IdentityKey, LogKey } from '../keys.ts';
import type { Run } from './run.ts';

export function keysCommand(run: Run): Command {
  const keys = new Command('keys').description('Make keys.');
  keys
    .command('new')
    .description('Make a private key in a new file, readable by you alone, and print its public half.')
    .argument('<file>', 'the file to make; an existing one is never overwritten')
    .option('--log', 'an Ed25519 key for checkpoints, in place of a secp256k1 identity key')
    .exitOverride()
    .action((file: string, options: { log?: boolean }) => run(makeKey(file, options.log ?? false)));
  return keys;
}

async function makeKey(file: string, log: boolean): Promise<number> {
  const secret = Buffer.from(createSecretFile(file), 'hex');
  const publicKey = log ? Buffer.from(new LogKey(secret).publicKey).toString('hex') : new IdentityKey(secret).publicKey;
  process.stdout.write(`${publicKey}\n`);
  return 0;
}
