/** What a mapping policy of 50 fields costs an event, beside reading and writing the same event with `JSON`. */
import { type JsonObject, parseJson } from '../packages/server/src/json/parse.ts';
import { compilePolicy } from '../packages/server/src/normalize/compile.ts';
import type { MappingPolicy } from '../packages/server/src/normalize/policy.ts';
import { percentile } from './statistics.ts';

/** Microseconds an event. */
export interface PolicyCost {
  /** Map, coercions, constraints and the payload's text. */
  normalize: number;
  jsonParse: number;
  jsonStringify: number;
}

const FIELDS = 50;
const EVENTS = 1000;
const ROUNDS = 100;
const ARRIVAL = Date.parse('2026-03-01T12:00:00Z');

/** Five kinds of fields in turn, the first of them a level deeper. */
const fields = Array.from({ length: FIELDS }, (_, i) => `f${i}`);
const ofKind = (kind: number) => fields.filter((_, i) => i % 5 === kind);
const each = <T>(names: string[], rule: T): Record<string, T> => Object.fromEntries(names.map((name) => [name, rule]));
const [NESTED, MEASURED, COUNTED, STATE, NAME] = [0, 1, 2, 3, 4];

const policy: MappingPolicy = {
  map: Object.fromEntries(fields.map((name, i) => [name, i % 5 === NESTED ? `device.${name}` : name])),
  required: [...ofKind(NESTED), ...ofKind(MEASURED)],
  coerce: { ...each(ofKind(MEASURED), 'number'), ...each(ofKind(COUNTED), 'integer') },
  constraints: {
    bounds: each(ofKind(MEASURED), { min: -40, max: 85 }),
    enum: each(ofKind(STATE), ['ok', 'warn', 'fail']),
    pattern: each(ofKind(NAME), '^[a-z]+-[0-9]{1,6}$'),
    compare: [
      { left: 'f1', op: '<=', right: 'f6' },
      { left: 'f2', op: '<', right: { const: 1_000_000 } },
      { left: 'f7', op: '!=', right: 'f12' },
    ],
  },
};

function sample(n: number): string {
  const values = (names: string[], value: (i: number) => unknown) => names.map((name, i) => [name, value(i)]);
  return JSON.stringify({
    id: `event-${n}`,
    ts: new Date(ARRIVAL + n * 7).toISOString(),
    device: Object.fromEntries(values(ofKind(NESTED), (i) => `value ${n % 50} of ${i}`)),
    ...Object.fromEntries(
      values(ofKind(MEASURED), (i) => (i % 2 ? `${20 + i + (n % 10) / 8}` : 20 + i + (n % 10) / 8)),
    ),
    ...Object.fromEntries(values(ofKind(COUNTED), (i) => n * 50 + i)),
    ...Object.fromEntries(values(ofKind(STATE), (i) => ((n + i) % 7 ? 'ok' : 'warn'))),
    ...Object.fromEntries(values(ofKind(NAME), (i) => `sensor-${n % 1000}${i}`)),
  });
}

export function measurePolicy(): PolicyCost {
  const texts = Array.from({ length: EVENTS }, (_, n) => sample(n));
  const compiled = compilePolicy(policy);
  const cost = { normalize: [] as number[], jsonParse: [] as number[], jsonStringify: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    const events = texts.map((text) => parseJson(text) as JsonObject);
    cost.normalize.push(time(events, (event) => compiled.normalize(event, ARRIVAL).issues.length === 0));
    cost.jsonParse.push(time(texts, (text) => JSON.parse(text) !== null));
    cost.jsonStringify.push(time(events, (event) => JSON.stringify(event).length > 0));
  }
  // The quick rounds: in the others the machine did something else as well.
  const quick = (values: number[]) => percentile(values, 0.1);
  return {
    normalize: quick(cost.normalize),
    jsonParse: quick(cost.jsonParse),
    jsonStringify: quick(cost.jsonStringify),
  };
}

function time<T>(items: readonly T[], run: (item: T) => boolean): number {
  const started = performance.now();
  for (const item of items) if (!run(item)) throw new RangeError('an event of the bench does not pass its policy');
  return ((performance.now() - started) / items.length) * 1000;
}
