import { canonicalize, eventId } from '@tidemark/proof';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { IntakeError } from '../../src/intake/errors.ts';
import type { Delivery } from '../../src/intake/intake.ts';
import { TINY } from '../store/fingerprints/helpers.ts';
import { checkNumbering, Desk, eventsOf, type Fault, lines } from '../support/arrivals.ts';
import { Directories } from '../support/directories.ts';
import { sourceOf } from '../support/node.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const SOURCES = [sourceOf('one', { stream: 'alpha' }), sourceOf('two', { stream: 'alpha' }), sourceOf('three')];
const OPTIONS = { sources: SOURCES, index: TINY };
const open = (dir: string) => new Desk(dir, OPTIONS);

/** What a reader of the contract expects: for each event, the values seen so far. */
class Model {
  readonly #seqs = new Map<string, number>();
  #versions = new Map<string, { canonical: string; seq: number }[]>();

  take(sourceId: string, texts: readonly string[]): { ids: string[]; duplicates: number; stored: unknown[] } {
    const outcome = { ids: [] as string[], duplicates: 0, stored: [] as unknown[] };
    for (const text of texts) {
      const event = parsed(text);
      if (event === undefined) continue;
      const id = eventId(sourceId, event.id);
      outcome.ids.push(id);
      const versions = this.#versions.get(id) ?? [];
      const canonical = canonicalize(event);
      if (versions.some((version) => version.canonical === canonical)) {
        outcome.duplicates++;
        continue;
      }
      const seq = (this.#seqs.get(sourceId) ?? 0) + 1;
      this.#seqs.set(sourceId, seq);
      outcome.stored.push({ source: sourceId, seq, text, supersedes: versions.at(-1)?.seq });
      this.#versions.set(id, [...versions, { canonical, seq }]);
    }
    return outcome;
  }
}

function parsed(text: string): { id: number } | undefined {
  try {
    return JSON.parse(text) as { id: number };
  } catch {
    return undefined;
  }
}

const event = fc
  .record({ id: fc.nat(12), v: fc.nat(2), spaced: fc.boolean() })
  .map(({ id, v, spaced }) => (spaced ? `{ "v": ${v}, "id": ${id} }` : `{"id":${id},"v":${v}}`));
const sent = fc.record({
  sourceId: fc.constantFrom('one', 'two', 'three'),
  texts: fc.array(fc.oneof({ weight: 9, arbitrary: event }, { weight: 1, arbitrary: fc.constant('{') }), {
    maxLength: 8,
  }),
});
const step = fc.record({
  group: fc.array(sent, { maxLength: 4 }),
  fault: fc.option(fc.constantFrom<Fault>('failed', 'failed but persisted'), { freq: 3, nil: undefined }),
  restart: fc.boolean(),
});

test('whatever comes in whatever groups, through failures and restarts, each version is journaled once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const dir = directories.next();
      const model = new Model();
      const expected: unknown[] = [];
      let desk = open(dir);
      for (const { group, fault, restart } of steps) {
        const deliveries = group.map(({ sourceId, texts }): Delivery => lines(sourceId, texts));
        desk.journal.fault = fault;
        const outcomes = attempt(desk, deliveries);
        if (restart || outcomes === undefined) {
          desk.close();
          desk = open(dir);
        }
        if (outcomes === undefined && fault === 'failed') continue;
        const predicted = group.map(({ sourceId, texts }) => model.take(sourceId, texts));
        expected.push(...predicted.flatMap(({ stored }) => stored));
        if (outcomes !== undefined) {
          const given = outcomes.map((outcome) =>
            outcome instanceof IntakeError
              ? { ids: [], duplicates: 0 }
              : { ids: outcome.eventIds, duplicates: outcome.duplicates },
          );
          expect(given).toEqual(predicted.map(({ ids, duplicates }) => ({ ids, duplicates })));
        }
      }
      const stored = desk.entries().flatMap(eventsOf);
      expect(stored.map(({ source, seq, text, supersedes }) => ({ source, seq, text, supersedes }))).toEqual(expected);
      checkNumbering(desk);
      desk.close();
    }),
    { numRuns: 60 },
  );
});

function attempt(desk: Desk, deliveries: Delivery[]) {
  try {
    return desk.accept(deliveries);
  } catch {
    return undefined;
  } finally {
    desk.journal.fault = undefined;
  }
}
