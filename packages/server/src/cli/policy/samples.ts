/** Sample events in whatever form they are at hand, cut into events as intake cuts them. */
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { decode, type Format } from '../../intake/decode.ts';
import type { Decoded } from '../../intake/decoded.ts';
import { IntakeError } from '../../intake/errors.ts';
import { CliError, FAILURE, MISUSE } from '../errors.ts';

/** More than a file that fits into memory holds. */
const MAX_ITEMS = 100_000_000;

/** @throws CliError */
export function readSamples(file: string): Decoded {
  const body = readBody(file);
  const { format, framed } = frame(body, file);
  try {
    return decode(format, framed, MAX_ITEMS);
  } catch (cause) {
    if (!(cause instanceof IntakeError)) throw cause;
    throw new CliError(FAILURE, `${file}: ${cause.message}`, { cause });
  }
}

function readBody(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (cause) {
    throw new CliError(MISUSE, `${file} cannot be read`, { cause });
  }
}

/** An array becomes the body that a sender would put around it; so does one event that takes several lines. */
function frame(body: Buffer, file: string): { format: Format; framed: Buffer } {
  if (extname(file) === '.csv') return { format: 'csv', framed: body };
  const text = body.toString('utf8').trim();
  if (text.startsWith('[')) return { format: 'json', framed: wrapped('', body, '') };
  const whole = parsedWhole(text);
  if (typeof whole !== 'object' || whole === null) return { format: 'ndjson', framed: body };
  if ('events' in whole) return { format: 'json', framed: body };
  return { format: 'json', framed: wrapped('[', body, ']') };
}

function wrapped(open: string, body: Buffer, close: string): Buffer {
  return Buffer.concat([Buffer.from(`{"events":${open}`), body, Buffer.from(`${close}}`)]);
}

/** Undefined for NDJSON, which ends as JSON after its first line. */
function parsedWhole(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
