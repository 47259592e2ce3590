/** `tidemark demo`: the service with three live feeds of real data, and a display of what it certifies. */
import { Command } from 'commander';
import pino from 'pino';
import { startApp } from '../app.ts';
import { ConfigError, isLoopback, loadConfig } from '../config.ts';
import { demoConfig } from '../demo/config.ts';
import { startDemoFeeds } from '../demo/feeds.ts';
import { showInTerminal } from '../demo/terminal.ts';
import { stopSignal, untilStopped } from '../main.ts';
import type { Run } from './run.ts';
import { greeting } from './serve.ts';

interface Options {
  port?: string;
  data?: string;
}

export function demoCommand(run: Run): Command {
  return new Command('demo')
    .description('Run the service with three feeds: this machine, earthquakes, GitHub webhooks. For loopback only.')
    .option('--port <port>', 'port to listen on, 0 for any free one (PORT, default 8788)')
    .option('--data <dir>', 'data directory (TIDEMARK_DATA, default ./tidemark-data)')
    .action((options: Options) => run(demo(options)));
}

async function demo(options: Options): Promise<number> {
  const config = loadConfig({ ...options, settings: demoConfig() });
  if (!isLoopback(config.host)) {
    throw new ConfigError('settings-contradict', 'the demo has open sources and runs on a loopback address only');
  }
  const log = pino({ level: 'warn' }, pino.destination(2));
  const signalled = stopSignal();
  const app = await startApp(config, log);
  process.stdout.write(greeting(app));
  const ended = new AbortController();
  const { signal } = ended;
  const feeds = startDemoFeeds({ url: app.url, signal, onError: (error) => log.warn(error.message) });
  const display = showInTerminal({ url: app.url, out: process.stdout, signal });
  const exitCode = await untilStopped(app, signalled, () => ended.abort());
  await Promise.all([feeds, display]);
  return exitCode;
}
