/** The `tidemark` command: one file a sub-command. */
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config.ts';
import { anchorCommand } from './anchor.ts';
import { auditCommand } from './audit.ts';
import { conflictsCommand } from './conflicts.ts';
import { demoCommand } from './demo.ts';
import { eraseCommand } from './erase.ts';
import { CliError, FAILURE, MISUSE } from './errors.ts';
import { fsckCommand } from './fsck.ts';
import { gateCommand } from './gate.ts';
import { ingestCommand } from './ingest.ts';
import { keysCommand } from './keys.ts';
import { policyCommand } from './policy.ts';
import { quarantineCommand } from './quarantine.ts';
import { replayCommand } from './replay.ts';
import type { Run } from './run.ts';
import { serveCommand } from './serve.ts';
import { spoolCommand } from './spool.ts';
import { verifyCommand } from './verify.ts';
import { verifyReceiptCommand } from './verify-receipt.ts';
import { witnessCommand } from './witness.ts';

/** @returns the exit code: 0 well, 1 failed, 2 misused */
export async function main(argv: string[]): Promise<number> {
  let result: Promise<number> = Promise.resolve(0);
  const run: Run = (work) => {
    result = work;
  };
  const program = new Command('tidemark')
    .description('Certified events: every event gets a certificate that anyone can check offline.')
    .showHelpAfterError('(tidemark --help shows what there is)')
    .exitOverride();
  const commands = [
    serveCommand,
    demoCommand,
    ingestCommand,
    verifyCommand,
    verifyReceiptCommand,
    auditCommand,
    witnessCommand,
    anchorCommand,
    conflictsCommand,
    fsckCommand,
    replayCommand,
    keysCommand,
    policyCommand,
    quarantineCommand,
    eraseCommand,
    spoolCommand,
    gateCommand,
    () => notifyCommand(run, argv),
  ];
  for (const command of commands) {
    program.addCommand(command(run).exitOverride());
  }
  // Whoever reads our output, `head` for one, may have seen enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  try {
    await program.parseAsync(argv);
    return await result;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : MISUSE;
    process.stderr.write(`tidemark: ${error instanceof Error ? error.message : String(error)}\n`);
    if (error instanceof ConfigError) return MISUSE;
    return error instanceof CliError ? error.exitCode : FAILURE;
  }
}

/** Loaded when it is chosen, and its flags are its own; `bin/tidemark.js` goes past this file to it. */
function notifyCommand(run: Run, argv: string[]): Command {
  return new Command('notify')
    .description('Render a Go template to a request and send it, as the Go notifier does.')
    .helpOption(false)
    .allowUnknownOption()
    .argument('[flags...]', 'as -h shows them')
    .action(() => run(import('./notify.ts').then(({ notify }) => notify(argv.slice(3)))));
}
