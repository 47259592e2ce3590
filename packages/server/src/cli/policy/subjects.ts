/** The policies in a file: one by itself, or those of the sources in a configuration. */
import { readFileSync } from 'node:fs';
import { type Config, ConfigError, loadConfig } from '../../config.ts';
import { compilePolicy } from '../../normalize/compile.ts';
import { parsePolicy } from '../../normalize/policy.ts';
import { PolicyError } from '../../policy/policy-error.ts';
import type { Source } from '../../stream.ts';
import { CliError, MISUSE } from '../errors.ts';

export interface Subjects {
  /** With the policies to be tried. Where the file is one policy, the only source is `default`. */
  sources: Source[];
  /** Whether the file names the sources. */
  named: boolean;
  /** Length of an event in bytes. */
  maxEventBytes: number;
}

/** Something in the file that would not be taken. The message has the path, the problem and the remedy, in one line. */
export interface Fault {
  source?: string;
  code: string;
  /** Where in the policy; absent where the fault is in the configuration around it. */
  path?: string;
  message: string;
}

/** @throws CliError for a file that cannot be read */
export function readSubjects(file: string): Subjects | Fault[] {
  const value = readJson(file);
  if (Array.isArray(value)) return value;
  const { json } = value;
  return isConfig(json) ? fromConfig(file, json) : fromPolicy(json);
}

function readJson(file: string): { json: unknown } | Fault[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CliError(MISUSE, `${file} cannot be read`, { cause });
  }
  try {
    return { json: JSON.parse(text) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return [{ code: 'not-json', message: `${file}: is not valid JSON (${why}); mend it` }];
  }
}

/** No policy has members of these names. */
function isConfig(json: unknown): json is Record<string, unknown> {
  if (typeof json !== 'object' || json === null) return false;
  return 'sources' in json || 'streams' in json || 'normalizePolicy' in json;
}

function fromPolicy(json: unknown): Subjects | Fault[] {
  const fault = faultOf(json);
  if (fault !== undefined) return [fault];
  const config = loaded({ settings: { normalizePolicy: json } });
  return Array.isArray(config) ? config : subjectsOf(config, new Set(['default']), false);
}

function fromConfig(file: string, json: Record<string, unknown>): Subjects | Fault[] {
  const faults: Fault[] = [];
  const add = (policy: unknown, source: string) => {
    const fault = policy === undefined ? undefined : faultOf(policy);
    if (fault !== undefined) faults.push({ ...fault, source });
  };
  add(json.normalizePolicy, 'normalizePolicy');
  for (const [index, source] of (Array.isArray(json.sources) ? json.sources : []).entries()) {
    const { id, policy } = Object(source) as { id?: unknown; policy?: unknown };
    add(policy, typeof id === 'string' ? id : `sources[${index}]`);
  }
  if (faults.length > 0) return faults;
  const config = loaded({ config: file });
  if (Array.isArray(config)) return config;
  const declared = ((json.sources as { id: string }[] | undefined) ?? []).map(({ id }) => id);
  return subjectsOf(config, new Set(declared.length > 0 ? declared : ['default']), true);
}

/** @param ids of the sources whose policies the file gives; the others are there without configuration */
function subjectsOf({ sources, limits }: Config, ids: ReadonlySet<string>, named: boolean): Subjects {
  return { sources: sources.filter(({ id }) => ids.has(id)), named, maxEventBytes: limits.eventBytes };
}

function faultOf(policy: unknown): Fault | undefined {
  try {
    compilePolicy(parsePolicy(policy));
    return undefined;
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause;
    return { code: cause.code, path: cause.path, message: cause.message };
  }
}

/** By the file alone: what the environment would add is another server's. */
function loaded(overrides: Parameters<typeof loadConfig>[0]): Config | Fault[] {
  try {
    return loadConfig(overrides, {});
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    return [{ code: cause.code, message: cause.message }];
  }
}
