/**
 * Follows what a server certifies, holds it against the logs, and goes on where it left off when it is started again.
 *
 *   npx node examples/follow/follow.ts http://127.0.0.1:8788 cursor.txt
 *
 * Where reading takes a token, it is taken from the environment variable TOKEN. One line of JSON for each record. Ends
 * with Ctrl-C; with exit code 1 when the server has lied.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { LogError, Tidemark } from '@tidemark/client';

const [url = 'http://127.0.0.1:8788', cursorFile = 'cursor.txt'] = process.argv.slice(2);
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());

const messages = new Tidemark({ url, token: process.env.TOKEN || undefined }).watch({
  type: 'certified',
  since: existsSync(cursorFile) ? readFileSync(cursorFile, 'utf8') : 'earliest',
  // Pinned keys are better: {publisher, logKeys}, as `tidemark keys show` prints them at the operator's.
  verify: {},
  signal: stop.signal,
  onRetry: (error, delayMs) => process.stderr.write(`${String(error)}; again in ${Math.round(delayMs)} ms\n`),
});
try {
  for await (const { id, stream, leafIndex, eventId, normalized } of certified(messages)) {
    process.stdout.write(`${JSON.stringify({ stream, leafIndex, eventId, normalized })}\n`);
    // After the work: what was done twice is better than what was not done.
    writeFileSync(cursorFile, id);
  }
} catch (error) {
  if (!(error instanceof LogError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = 1;
}

/** The records among the messages; a gap is a reason to stop and look. */
async function* certified(all: typeof messages) {
  for await (const message of all) {
    if (message.type === 'certified') yield message;
    else if (message.type === 'gap') {
      process.stderr.write(`something was left out: ${message.hint}; ${JSON.stringify(message.missing)}\n`);
    }
  }
}
