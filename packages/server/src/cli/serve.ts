/** `tidemark serve` */
import { Command } from 'commander';
import type { App } from '../app.ts';
import { serve, stopSignal, untilStopped } from '../main.ts';
import type { Run } from './run.ts';

interface Options {
  port?: string;
  host?: string;
  data?: string;
  config?: string;
}

export function serveCommand(run: Run): Command {
  return new Command('serve')
    .description('Run the service: takes events in, certifies them, serves feeds and proofs.')
    .option('--port <port>', 'port to listen on, 0 for any free one (PORT, default 8788)')
    .option('--host <host>', 'address to bind to (HOST, default 127.0.0.1)')
    .option('--data <dir>', 'data directory (TIDEMARK_DATA, default ./tidemark-data)')
    .option('--config <file>', 'configuration file (TIDEMARK_CONFIG)')
    .addHelpText('after', '\nThe settings in the environment are described in docs/settings.md.')
    .action((options: Options) => run(serveUntilStopped(options)));
}

async function serveUntilStopped(options: Options): Promise<number> {
  const signalled = stopSignal();
  const app = await serve(options);
  process.stdout.write(process.stdout.isTTY ? greeting(app) : `${JSON.stringify(announcement(app))}\n`);
  return untilStopped(app, signalled);
}

/** The first line for programs that started this one. */
function announcement({ url, adminTokenFile }: App): object {
  return { event: 'listening', url, adminTokenFile };
}

export function greeting({ url, adminTokenFile }: App): string {
  return [
    `Tidemark is listening on ${url}`,
    `  page         ${url}/`,
    `  send events  curl -H 'content-type: application/json' -d '{"events":[{"id":"1","temp":21.5}]}' ${url}/ingest/events`,
    `  follow       curl -N ${url}/watch`,
    `  admin token  in ${adminTokenFile}`,
    '',
  ].join('\n');
}
