/** `tidemark ingest FILE|-` */
import { createReadStream, statSync } from 'node:fs';
import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Command } from 'commander';
import { CliError, FAILURE, MISUSE } from './errors.ts';
import { Lines } from './lines.ts';
import type { Run } from './run.ts';
import { type Outcome, Sender } from './sender.ts';

interface Options {
  url: string;
  source?: string;
  token?: string;
  batch: string;
}

export function ingestCommand(run: Run): Command {
  return new Command('ingest')
    .description('Send the events in a file, or on standard input, to a server.')
    .argument('<file>', 'NDJSON, one event a line (also .gz, .zst), or - for standard input')
    .option('--url <url>', 'the server', 'http://127.0.0.1:8788')
    .option('--source <id>', 'the source that the events belong to (default: "default")')
    .option('--token <secret>', "the source's secret")
    .option('--batch <n>', 'events a request', '1000')
    .action((file: string, options: Options) => run(ingest(file, options)));
}

async function ingest(file: string, options: Options): Promise<number> {
  const batchSize = Number(options.batch);
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 100_000) {
    throw new CliError(MISUSE, '--batch takes a whole number from 1 to 100000');
  }
  const totalBytes = file === '-' ? undefined : sizeOf(file);
  const progress = new Progress(totalBytes);
  const raw: Readable = file === '-' ? process.stdin : createReadStream(file);
  raw.on('data', (chunk: Buffer) => progress.read(chunk.length));
  const sender = new Sender({
    url: options.url,
    ...(options.source === undefined ? {} : { source: options.source }),
    ...(options.token === undefined ? {} : { token: options.token }),
  });
  const lines = new Lines(decoded(raw, file));
  for (let batch = await lines.next(batchSize); batch.length > 0; batch = await lines.next(batchSize)) {
    progress.show(await sender.send(batch));
  }
  progress.end();
  process.stdout.write(summary(sender.outcome));
  return sender.outcome.rejected === 0 ? 0 : FAILURE;
}

function summary({ sent, accepted, duplicates, rejected, reasons, seconds }: Outcome): string {
  const rate = seconds > 0 ? Math.round(sent / seconds).toLocaleString('en') : '-';
  const lines = [
    `${sent} events in ${seconds.toFixed(1)} s (${rate}/s): ${accepted} durable, ${duplicates} of them known before, ${rejected} refused`,
  ];
  for (const [reason, count] of reasons) lines.push(`  ${count} × ${reason}`);
  return `${lines.join('\n')}\n`;
}

function decoded(raw: Readable, file: string): Readable {
  const extension = extname(file);
  if (extension === '.gz') return raw.pipe(createGunzip());
  if (extension === '.zst') return raw.pipe(createZstdDecompress());
  return raw;
}

function sizeOf(file: string): number {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) throw new CliError(MISUSE, `${file} is not a file`);
  return stat.size;
}

const BAR_WIDTH = 30;

/** A bar on a terminal; nothing elsewhere. */
class Progress {
  readonly #total: number | undefined;
  #bytes = 0;

  constructor(totalBytes: number | undefined) {
    this.#total = totalBytes;
  }

  read(bytes: number): void {
    this.#bytes += bytes;
  }

  show({ sent, seconds }: Outcome): void {
    if (!process.stderr.isTTY) return;
    const rate = `${Math.round(sent / Math.max(seconds, 0.001)).toLocaleString('en')}/s`;
    const done = this.#total === undefined ? undefined : Math.min(1, this.#bytes / Math.max(1, this.#total));
    const filled =
      done === undefined
        ? ''
        : `[${'█'.repeat(Math.round(done * BAR_WIDTH)).padEnd(BAR_WIDTH, '·')}] ${Math.round(done * 100)}%  `;
    process.stderr.write(`\r\x1b[K${filled}${sent.toLocaleString('en')} events  ${rate}`);
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }
}
