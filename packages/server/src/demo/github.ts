import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { DemoError } from './errors.ts';

/** One example delivery: the event's name (on the wire the header `X-GitHub-Event`) and its body. */
export interface GithubExample {
  event: string;
  /** Its place among the examples of that name. */
  index: number;
  payload: Record<string, unknown>;
}

/** One event of the source `github-webhooks`, as it is posted. */
export interface GithubEvent {
  id: string;
  event: string;
  /** RFC 3339 UTC with milliseconds. */
  deliveredAt: string;
  payload: Record<string, unknown>;
}

/** Reads the payloads that GitHub's own clients are tested with: 329 deliveries of 58 events. */
export async function loadGithubExamples(): Promise<GithubExample[]> {
  const file = createRequire(import.meta.url).resolve('@octokit/webhooks-examples');
  return parseGithubExamples(await readFile(file, 'utf8'));
}

/** All first examples, then all second ones, and so on: neighbours differ, as in real traffic. */
export function parseGithubExamples(text: string): GithubExample[] {
  const definitions: unknown = JSON.parse(text);
  if (!Array.isArray(definitions) || !definitions.every(isDefinition)) {
    throw new DemoError('bad-dataset', 'github: not a list of webhook definitions with name and examples');
  }
  return definitions
    .flatMap(({ name, examples }) => examples.map((payload, index) => ({ event: name, index, payload })))
    .sort((a, b) => a.index - b.index);
}

function isDefinition(value: unknown): value is { name: string; examples: Record<string, unknown>[] } {
  const { name, examples } = value as { name?: unknown; examples?: unknown };
  return typeof name === 'string' && Array.isArray(examples);
}

/** `run` tells the passes over the examples apart: the same id again would be a duplicate by design. */
export function githubEvent(example: GithubExample, run: string, now: number): GithubEvent {
  return {
    id: `${example.event}-${example.index}-${run}`,
    event: example.event,
    deliveredAt: new Date(now).toISOString(),
    payload: example.payload,
  };
}
