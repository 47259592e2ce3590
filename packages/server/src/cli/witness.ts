/** `tidemark witness` */
import { Command } from 'commander';
import { KeyError } from '../keys.ts';
import { stopSignal } from '../main.ts';
import { StoreError } from '../store/errors.ts';
import { WitnessError } from '../witness/errors.ts';
import { type RunningWitness, startWitness } from '../witness/server.ts';
import { CliError, MISUSE } from './errors.ts';
import type { Run } from './run.ts';

interface Options {
  data: string;
  log: string[];
  name?: string;
  port: string;
  host: string;
}

export function witnessCommand(run: Run): Command {
  return new Command('witness')
    .description('Run a witness: it cosigns checkpoints of logs that have only grown since the last one it saw.')
    .requiredOption('--data <dir>', "where it keeps its key, and what it has cosigned: not a server's data directory")
    .requiredOption('--log <key...>', 'C2SP verifier keys of the logs that it witnesses')
    .option('--name <name>', 'name of its key (default: after the key)')
    .option('--port <port>', 'port to listen on, 0 for any free one', '8789')
    .option('--host <host>', 'address to bind to', '127.0.0.1')
    .action((options: Options) => run(witness(options)));
}

async function witness({ data, log, name, port, host }: Options): Promise<number> {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new CliError(MISUSE, '--port takes a number up to 65535');
  const signalled = stopSignal();
  const running = await started({ dataDir: data, logs: log, name, host, port: Number(port) });
  const { url, key } = running;
  process.stdout.write(
    process.stdout.isTTY
      ? `The witness is listening on ${url}\n  key  ${key}\n`
      : `${JSON.stringify({ event: 'listening', url, key })}\n`,
  );
  await signalled;
  await running.close();
  return 0;
}

async function started(settings: Parameters<typeof startWitness>[0]): Promise<RunningWitness> {
  try {
    return await startWitness(settings);
  } catch (cause) {
    const known = cause instanceof WitnessError || cause instanceof KeyError || cause instanceof StoreError;
    if (known) throw new CliError(MISUSE, cause.message, { cause });
    throw cause;
  }
}
