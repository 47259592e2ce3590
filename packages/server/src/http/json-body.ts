/** Small JSON bodies of requests that change something: members are known, and checked. */
import type { FastifyRequest } from 'fastify';
import type { BodyReader } from './body.ts';
import { badRequest, Problem } from './problem.ts';

export type Members = Readonly<Record<string, unknown>>;

/** @throws Problem 400, 415 */
export async function readMembers(
  request: FastifyRequest,
  bodies: BodyReader,
  known: readonly string[],
): Promise<Members> {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new Problem(415, 'unsupported-media-type', 'Content-Type is application/json');
  }
  const members = await bodies.with(request, true, async (body) => parse(body));
  for (const name of Object.keys(members)) {
    if (!known.includes(name)) throw badRequest(`unknown member "${name}"; known are ${known.join(', ')}`);
  }
  return members;
}

function parse(body: Buffer): Members {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new Problem(400, 'body-malformed', 'the body is no JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('the body is a JSON object');
  return value as Members;
}

/** Well-formed text that is not blank; undefined when the member is absent. */
export function text(members: Members, name: string, maxLength: number): string | undefined {
  const value = members[name];
  if (value === undefined) return undefined;
  const usable = typeof value === 'string' && value.trim() !== '' && value.length <= maxLength && value.isWellFormed();
  if (!usable) throw badRequest(`"${name}" is text of 1 to ${maxLength} characters`);
  return value;
}

export function wholeNumber(members: Members, name: string, min: number, max: number): number | undefined {
  const value = members[name];
  if (value === undefined) return undefined;
  if (!Number.isInteger(value) || Number(value) < min || Number(value) > max) {
    throw badRequest(`"${name}" is a whole number from ${min} to ${max}`);
  }
  return Number(value);
}
