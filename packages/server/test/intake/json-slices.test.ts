import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IntakeError } from '../../src/intake/errors.ts';
import { sliceEvents } from '../../src/intake/json-slices.ts';

const space = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 3 });
/** Text full of what means something elsewhere in JSON. */
const text = fc.string({ unit: fc.constantFrom(...'"\\[]{},:/ae\u00e9\u20ac\u0000\n\u2028', '🚀'), maxLength: 8 });

const { value } = fc.letrec<{ value: unknown; list: unknown[]; object: object }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(text, tie('value'), { maxKeys: 4 }),
}));

/** A value as JSON text, in one of the ways in which it can be written. */
const written = fc.tuple(value, fc.constantFrom('', ' ', '\t', '\r\n  '), fc.boolean()).map(([item, indent, ascii]) => {
  const json = JSON.stringify(item, null, indent);
  return ascii ? json.replace(/[\u007f-\uffff]/g, escaped) : json;
});

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

interface Body {
  text: string;
  elements: string[];
  sourceId: string | undefined;
}

const body: fc.Arbitrary<Body> = fc
  .record({
    elements: fc.array(written, { maxLength: 6 }),
    sourceId: fc.option(text, { nil: undefined }),
    others: fc.dictionary(
      text.map((name) => `x${name}`),
      written,
      { maxKeys: 2 },
    ),
    spaces: fc.infiniteStream(space),
    eventsFirst: fc.boolean(),
  })
  .map(({ elements, sourceId, others, spaces, eventsFirst }) => {
    const gap = () => String(spaces.next().value);
    const around = (part: string) => gap() + part + gap();
    const list = `[${elements.length === 0 ? gap() : elements.map(around).join(',')}]`;
    const rest = Object.entries(others);
    if (sourceId !== undefined) rest.push(['sourceId', JSON.stringify(sourceId)]);
    const members = eventsFirst ? [['events', list], ...rest] : [...rest, ['events', list]];
    const frame = members.map(([name = '', json = '']) => `${around(JSON.stringify(name))}:${around(json)}`).join(',');
    return { text: around(`{${frame}}`), elements, sourceId };
  });

test('each element comes out with exactly its bytes', () => {
  fc.assert(
    fc.property(body, ({ text, elements, sourceId }) => {
      const sliced = sliceEvents(Buffer.from(text), 100);
      expect(sliced.items.map(String)).toEqual(elements);
      expect(sliced.sourceId).toBe(sourceId);
    }),
    { numRuns: 500 },
  );
});

test('whatever the bytes, what is taken apart into valid elements was valid as a whole', () => {
  const damage = fc.record({
    at: fc.nat(),
    cut: fc.nat(3),
    put: fc.constantFrom('', '"', '\\', '[', ']', '{', '}', ',', ':', '1', ' '),
  });
  let taken = 0;
  fc.assert(
    fc.property(body, fc.array(damage, { minLength: 1, maxLength: 3 }), ({ text }, damages) => {
      let damaged = text;
      for (const { at, cut, put } of damages) {
        const place = at % (damaged.length + 1);
        damaged = damaged.slice(0, place) + put + damaged.slice(place + cut);
      }
      damaged = damaged.toWellFormed();
      const items = slices(damaged);
      if (items === undefined || !items.every(isJson)) return;
      taken++;
      expect(items.map((item) => JSON.parse(item) as unknown)).toEqual(
        (JSON.parse(damaged) as { events: unknown }).events,
      );
    }),
    { numRuns: 2000 },
  );
  expect(taken).toBeGreaterThan(20);
});

function slices(text: string): string[] | undefined {
  try {
    return sliceEvents(Buffer.from(text), 100).items.map(String);
  } catch (error) {
    if (error instanceof IntakeError) return undefined;
    throw error;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
