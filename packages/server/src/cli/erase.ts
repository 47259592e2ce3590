/** `tidemark erase ID… --reason TEXT --data DIR` */
import { Command } from 'commander';
import { FAILURE } from './errors.ts';
import { QuarantineClient } from './quarantine/client.ts';
import { describeRefusal } from './quarantine/words.ts';
import type { Run } from './run.ts';
import { isRefusal } from './server-client.ts';

interface Options {
  url: string;
  data: string;
  reason: string;
  json?: boolean;
}

export function eraseCommand(run: Run): Command {
  return new Command('erase')
    .description(
      'Erase events of salted streams, for good, with all their versions. Exit code 0: nothing is left of any of them.',
    )
    .argument('<ids...>', 'event ids')
    .requiredOption('--reason <text>', 'why; the log will show it to everybody')
    .requiredOption('--data <dir>', "the server's data directory, where its admin token is")
    .option('--url <url>', 'the server', 'http://127.0.0.1:8788')
    .option('--json', 'print JSON, one object a line')
    .action((ids: string[], options: Options) => run(erase(ids, options)));
}

async function erase(ids: readonly string[], { url, data, reason, json }: Options): Promise<number> {
  const client = new QuarantineClient(url, data);
  let unfinished = 0;
  for (const id of ids) {
    const answer = await client.erase(id, reason);
    if (isRefusal(answer) || !answer.complete) unfinished++;
    if (json === true) process.stdout.write(`${JSON.stringify({ eventId: id, ...answer })}\n`);
    else if (isRefusal(answer)) process.stdout.write(describeRefusal(id, answer));
    else process.stdout.write(`${id}  ${answer.complete ? 'erased' : HIDDEN}\n`);
  }
  return unfinished === 0 ? 0 : FAILURE;
}

const HIDDEN = 'hidden; the server overwrites it when nobody reads it any more: say it again to see';
