/** Go's own text/template, by a small program that is compiled and run (`oracle/main.go`). */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';
import { GoTemplateError, type GoTemplateErrorCode } from '../../src/go-template/errors.ts';
import { GoTemplate } from '../../src/go-template/template.ts';
import { GoTime, UTC, type Zone } from '../../src/go-template/time.ts';
import type { JsonData } from '../../src/go-template/values.ts';

export interface Case {
  template: string;
  data?: JsonData;
}

export interface Rendered {
  /** The bytes, as Latin-1; undefined where rendering failed. */
  out: string | undefined;
  error: string | undefined;
}

export const GO_MISSING = 'no Go: apt-get install golang-go (or https://go.dev/dl), version 1.26';
export const goIsThere = spawnSync('go', ['version'], { encoding: 'utf8' }).status === 0;

export interface Setting {
  env: Record<string, string>;
  /** RFC 3339, with nanoseconds. */
  clock: string;
}

export const SETTING: Setting = {
  env: {
    EDGE_URL: 'https://edge.example/event-publish',
    EDGE_TOKEN: 'edge-"token"',
    EMPTY: '',
    GREETING: 'Grüße, Welt',
  },
  clock: '2025-09-09T07:08:05.006007008Z',
};

export function renderWithGo(cases: readonly Case[], { env, clock }: Setting = SETTING): Rendered[] {
  const input = cases.map(({ template, data = null }) => {
    return JSON.stringify({ Template: Buffer.from(template).toString('base64'), Data: data });
  });
  const { status, stdout, stderr } = spawnSync('go', ['run', 'main.go', JSON.stringify(env), clock], {
    cwd: join(import.meta.dirname, 'oracle'),
    env: { ...process.env, GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local', TZ: 'UTC' },
    input: `${input.join('\n')}\n`,
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(cases.length);
  return lines.map((line) => {
    const { out, error } = JSON.parse(line) as { out: string | null; error?: string };
    if (error !== undefined) return { out: undefined, error };
    return { out: Buffer.from(out ?? '', 'base64').toString('latin1'), error: undefined };
  });
}

export function renderHere({ template, data = null }: Case, { env, clock }: Setting = SETTING): Rendered {
  try {
    const out = new GoTemplate('t', template).render(data, { env, now: () => timeAt(clock) });
    return { out: out.toString('latin1'), error: undefined };
  } catch (error) {
    if (error instanceof GoTemplateError) return { out: undefined, error: `${error.code}: ${error.message}` };
    throw error;
  }
}

export function failureHere({
  template,
  data = null,
}: Case): { code: GoTemplateErrorCode; message: string } | undefined {
  try {
    new GoTemplate('t', template).render(data, { env: SETTING.env, now: () => timeAt(SETTING.clock) });
    return undefined;
  } catch (error) {
    if (error instanceof GoTemplateError) return { code: error.code, message: error.message };
    throw error;
  }
}

export function timeAt(text: string): GoTime {
  const [, fraction = '', sign = '', hours = '0', minutes = '0'] =
    /(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/.exec(text) ?? [];
  const seconds = BigInt(Math.floor(Date.parse(text) / 1000));
  const offset = (Number(hours) * 60 + Number(minutes)) * 60 * (sign === '-' ? -1 : 1);
  const zone: Zone = offset === 0 ? UTC : { offsetAt: () => offset, abbreviationAt: () => undefined };
  return new GoTime(seconds * 1_000_000_000n + BigInt(fraction.padEnd(9, '0')), zone, UTC);
}
