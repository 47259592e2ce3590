/** Runs `tidemark spool` alone, as a process of its own. */
import { CommanderError } from 'commander';
import { CliError } from '../../src/cli/errors.ts';
import { spoolCommand } from '../../src/cli/spool.ts';
import { ConfigError } from '../../src/config/settings.ts';

let result: Promise<number> = Promise.resolve(0);
const command = spoolCommand((work) => {
  result = work;
}).exitOverride();
try {
  await command.parseAsync(process.argv);
  process.exitCode = await result;
} catch (error) {
  process.stderr.write(`tidemark: ${error instanceof Error ? error.message : String(error)}\n`);
  const isMisuse = error instanceof ConfigError || error instanceof CommanderError;
  process.exitCode = isMisuse ? 2 : error instanceof CliError ? error.exitCode : 1;
}
