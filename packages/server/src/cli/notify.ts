/**
 * `tidemark notify`, in place of the Go notifier: one request, rendered from a template. It is started for every step of
 * a batch, so it is loaded without the other commands, and its flags are those of Go's `flag` package.
 */
import { readFileSync } from 'node:fs';
import type { JsonData } from '../go-template/values.ts';
import { NotifierError } from '../notify/errors.ts';
import { type Mask, maskOf, secretsIn, secretsOf } from '../notify/masking.ts';
import { type NotifierRequest, plaintextWarning, renderRequest } from '../notify/notifier.ts';
import { type NotifierAnswer, sendRequest } from '../notify/send.ts';
import { CliError, FAILURE, MISUSE } from './errors.ts';
import { type GoFlags, parseGoFlags } from './go-flags.ts';

/** What `template` calls `env` with: here, where the process begins, and nowhere deeper. */
const environment = process.env;

const FLAGS: GoFlags = { template: 'text', data: 'text', timeout: 'text', 'require-2xx': 'bool', v: 'bool' };
const MAX_TIMEOUT_S = 86_400;

const HELP = `Usage: tidemark notify -template PATH [-data JSON] [-timeout SECONDS] [-require-2xx=false] [-v]

Renders a Go template to {method, url, headers, body}, sends that request and prints the status code.

  -template PATH       the template (required)
  -data JSON           an object for the template (default {})
  -timeout SECONDS     how long to wait for the answer (default 10)
  -require-2xx         fail on any other status (default true)
  -v                   request, status and answer on standard error, without tokens
  -h                   this text

Exit code 0: sent, 1: it could not be rendered or sent, or was refused, 2: misuse.
`;

interface Options {
  template: string;
  data: JsonData;
  timeoutMs: number;
  require2xx: boolean;
  verbose: boolean;
}

/**
 * @param argv what follows `notify`
 * @returns the exit code: 0 well, 1 failed, 2 misused
 */
export async function notify(argv: readonly string[]): Promise<number> {
  // While tokens are exchanged several are listed, and each is one; what else is secret by its name is masked, too.
  const tokens = [environment.EDGE_TOKEN, environment.GATE_TOKEN].flatMap((text) => [
    text,
    ...(text?.split(',') ?? []),
  ]);
  const mask = maskOf([...tokens, ...secretsOf(environment)]);
  try {
    const options = optionsFrom(argv);
    if (options !== undefined) return await notifyOnce(options, mask);
    process.stdout.write(HELP);
    return 0;
  } catch (error) {
    if (!(error instanceof CliError) && !(error instanceof NotifierError)) throw error;
    say(mask(error.message));
    return error instanceof CliError ? error.exitCode : FAILURE;
  }
}

async function notifyOnce({ template, data, timeoutMs, require2xx, verbose }: Options, mask: Mask): Promise<number> {
  const request = renderRequest(readTemplate(template), template, data, { env: environment, now: Date.now });
  const maskAll: Mask = (text) => mask(maskOf(secretsIn(request))(text));
  const warning = plaintextWarning(request);
  if (warning !== undefined) say(`warning: ${maskAll(warning)}`);
  if (verbose) process.stderr.write(maskAll(inWords(request)));
  const answer = await sendRequest(request, { timeoutMs });
  if (verbose) process.stderr.write(maskAll(answerInWords(answer)));
  else process.stdout.write(`${answer.status}\n`);
  if (!require2xx || (answer.status >= 200 && answer.status < 300)) return 0;
  say(`the answer was ${answer.status}`);
  return FAILURE;
}

function optionsFrom(argv: readonly string[]): Options | undefined {
  const given = parseGoFlags(argv, FLAGS);
  if (given === 'help') return undefined;
  const { template, data = '{}', timeout = '10' } = given.texts;
  if (template === undefined || template === '')
    throw new CliError(MISUSE, '-template is required (-h shows what there is)');
  return {
    template,
    data: parseData(data),
    timeoutMs: 1000 * seconds(timeout),
    require2xx: given.bools['require-2xx'] ?? true,
    verbose: given.bools.v ?? false,
  };
}

function parseData(text: string): JsonData {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new CliError(MISUSE, '-data is no JSON', { cause });
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new CliError(MISUSE, '-data is no JSON object');
  return data as JsonData;
}

function seconds(text: string): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : 0;
  if (value > 0 && value <= MAX_TIMEOUT_S) return value;
  throw new CliError(MISUSE, `-timeout takes seconds, up to ${MAX_TIMEOUT_S}, not ${text}`);
}

function readTemplate(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new CliError(FAILURE, `${path} cannot be read`, { cause });
  }
}

function inWords({ method, url, headers, body }: NotifierRequest): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return `${[`${method} ${url}`, ...lines, ...(body === undefined ? [] : ['', body])].join('\n')}\n`;
}

function answerInWords({ status, body }: NotifierAnswer): string {
  return `\nstatus ${status}\n${body}${body === '' || body.endsWith('\n') ? '' : '\n'}`;
}

function say(message: string): void {
  process.stderr.write(`tidemark notify: ${message}\n`);
}
