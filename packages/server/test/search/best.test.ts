/** The best of all that are admitted are what comes, whatever is asked for and whatever has become of the records. */
import fc from 'fast-check';
import { afterAll, expect, it, vi } from 'vitest';
import { admission, type Scope } from '../../src/search/admission.ts';
import { cosine, encode } from '../../src/search/codes.ts';
import { SearchIndex } from '../../src/search/search-index.ts';
import { VectorScan } from '../../src/search/vector-scan.ts';
import { type IndexChange, type IndexedRecord, RANKED_MATCHES } from '../../src/store/search.ts';
import { SqliteSearch } from '../../src/store/sqlite/search.ts';
import { Directories } from '../support/directories.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const STREAMS = ['alpha', 'beta', 'gamma'];
const WORDS = ['heron', 'marsh', 'reed'];

/** Few directions, so that many are equal, and near each other, so that codes alone cannot tell them apart. */
const component = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ min: 0.999, max: 1.001, noNaN: true }));
const vector = (dimensions: number) =>
  fc
    .array(component, { minLength: dimensions, maxLength: dimensions })
    .map((list) => Float32Array.from(list))
    .filter((list) => list.some((one) => one !== 0));

const record = (dimensions: number) =>
  fc.record({
    stream: fc.constantFrom(...STREAMS),
    event: fc.nat(40),
    time: fc.nat(20),
    words: fc.array(fc.constantFrom(...WORDS), { maxLength: 4 }),
    vector: fc.option(vector(dimensions), { nil: undefined }),
  });

const range = fc
  .record({ stream: fc.constantFrom(...STREAMS), start: fc.integer({ min: -1, max: 30 }), length: fc.nat(15) })
  .map(({ stream, start, length }) => ({ stream, start, end: start + length }));
const sometimes = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ arbitrary, weight: 1 }, { arbitrary: fc.constant(undefined), weight: 3 });

/** Mostly one filter or none, so that enough is left to choose from. */
const scope: fc.Arbitrary<Scope> = fc.record({
  streams: sometimes(fc.uniqueArray(fc.constantFrom(...STREAMS), { minLength: 1 }).map((list) => new Set(list))),
  ranges: sometimes(fc.array(range, { minLength: 1, maxLength: 5 })),
  hidden: sometimes(fc.array(range, { maxLength: 5 })),
  from: sometimes(fc.nat(10)),
  to: sometimes(fc.integer({ min: 10, max: 20 })),
});

/** As slow and as plain as can be. */
function admitted(
  { streams, ranges, hidden = [], from, to }: Scope,
  { stream, leaf, eventTime }: IndexedRecord,
): boolean {
  const within = (list: NonNullable<Scope['ranges']>) =>
    list.some((one) => one.stream === stream && one.start <= leaf && leaf < one.end);
  if (streams !== undefined && !streams.has(stream)) return false;
  if (ranges !== undefined && !within(ranges)) return false;
  return !within(hidden) && (from === undefined || eventTime >= from) && (to === undefined || eventTime < to);
}

const order = (a: IndexedRecord & { score: number }, b: IndexedRecord & { score: number }) =>
  b.score - a.score || b.leaf - a.leaf || (a.stream < b.stream ? -1 : 1);

it('is the same as looking at every record', () => {
  const run = fc.record({
    dimensions: fc.constantFrom(1, 3, 16, 33),
    /** Whether the vectors are in memory before the records come, or read from the database afterwards. */
    early: fc.boolean(),
    k: fc.integer({ min: 1, max: 8 }),
    scope,
  });
  fc.assert(
    fc.property(
      run.chain((one) =>
        fc.tuple(
          fc.constant(one),
          fc.array(record(one.dimensions), { minLength: 10, maxLength: 100, size: 'max' }),
          vector(one.dimensions),
        ),
      ),
      ([{ dimensions, early, k, scope }, said, query]) => {
        const store = new SqliteSearch(directories.next());
        const index = new SearchIndex(store, dimensions);
        for (const stream of STREAMS) store.begin(stream, '');
        if (early) index.nearest(query, 1, undefined);
        const there = new Map<string, IndexedRecord>();
        const changes: Record<string, IndexChange[]> = { alpha: [], beta: [], gamma: [] };
        const commit = (stream: string) =>
          index.take({ stream, next: 0, versionId: undefined, changes: changes[stream]!.splice(0) });
        for (const [n, { stream, event, time, words, vector }] of said.entries()) {
          const leaf = said.slice(0, n).filter((one) => one.stream === stream).length;
          const eventId = event.toString(16).padStart(32, '0');
          const text = words.join(' ');
          const made = { stream, leaf, eventId, seq: leaf, eventTime: time, text, vector, refused: undefined };
          const erased = event % 7 === 0 && there.has(stream + eventId);
          const change = erased ? ({ kind: 'remove', eventId } as const) : ({ kind: 'put', record: made } as const);
          changes[stream]!.push(change);
          if (changes[stream]!.length === 10) commit(stream);
          if (erased) there.delete(stream + eventId);
          else there.set(stream + eventId, made);
        }
        STREAMS.forEach(commit);
        const among = [...there.values()].filter((one) => admitted(scope, one));
        const nearest = among
          .flatMap((one) => (one.vector ? [{ ...one, score: cosine(one.vector, query) }] : []))
          .sort(order)
          .slice(0, k);
        const placed = (list: readonly { id: number; score: number }[]) =>
          list.map(({ id, score }) => ({ stream: store.record(id)?.stream, leaf: store.record(id)?.leaf, score }));
        const admits = admission(scope);
        expect(placed(index.nearest(query, k, admits))).toEqual(
          nearest.map(({ stream, leaf, score }) => ({ stream, leaf, score })),
        );
        // The words of all, ranked without a filter, say what is right with one.
        const everything = placed(index.matching('"heron"', 1000, undefined));
        const keys = new Set(among.map(({ stream, leaf }) => `${stream} ${leaf}`));
        const right = everything.filter(({ stream, leaf }) => keys.has(`${stream} ${leaf}`)).slice(0, k);
        expect(everything).toHaveLength([...there.values()].filter(({ text }) => text.includes('heron')).length);
        expect(placed(index.matching('"heron"', k, admits))).toEqual(right);
        store.close();
      },
    ),
    { numRuns: 80 },
  );
});

it('takes the error of a code for as large as it may be', () => {
  const dimensions = 64;
  const length = (list: Float32Array) => Math.hypot(...list);
  // A vector that its code makes smaller than it is in the direction of the query, and one that is its own code.
  const rough = Float32Array.from({ length: dimensions }, (_, at) => (at === 0 ? 0 : Math.sin(at * at)));
  const code = new Int8Array(dimensions);
  const { scale } = encode(rough, code);
  const coded = Float32Array.from(code, (one) => one * scale);
  const error = rough.map((component, at) => component / length(rough) - coded[at]!);
  // Of all that the code leaves out, none is seen of what it has.
  const share = (cosine(error, coded) * length(error)) / length(coded);
  const query = error.map((component, at) => component - share * coded[at]!);
  query[0] = 0.9 * cosine(rough, query) * length(query);
  const exact = Float32Array.from({ length: dimensions }, (_, at) => (at === 0 ? 1 : 0));
  expect(cosine(rough, query)).toBeGreaterThan(cosine(exact, query));
  const scan = new VectorScan(dimensions);
  for (const [id, vector] of [rough, exact].entries()) scan.add({ id, stream: '', leaf: id, eventTime: 0, vector });
  expect(scan.candidates(query, 1, undefined).map(({ id }) => id)).toContain(0);
});

it('holds for many vectors that lie close together, in more than one block and after removals', () => {
  const dimensions = 48;
  const scan = new VectorScan(dimensions);
  let state = 1;
  const random = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const vectors = new Map<number, Float32Array>();
  for (let id = 1; id <= 10_000; id++) {
    const made = Float32Array.from({ length: dimensions }, () => 1 + 0.01 * random());
    vectors.set(id, made);
    scan.add({ id, stream: STREAMS[id % 3]!, leaf: id, eventTime: 0, vector: made });
  }
  for (let id = 1; id <= 10_000; id += 3) {
    vectors.delete(id);
    scan.remove(id);
  }
  expect(scan.size).toBe(vectors.size);
  const query = Float32Array.from({ length: dimensions }, () => 1 + 0.01 * random());
  const wanted = [...vectors]
    .filter(([id]) => id % 2 === 0)
    .map(([id, made]) => ({ id, score: cosine(made, query) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, 10);
  const candidates = new Set(scan.candidates(query, 10, (_stream, leaf) => leaf % 2 === 0).map(({ id }) => id));
  for (const { id } of wanted) expect(candidates).toContain(id);
  expect([...candidates].every((id) => vectors.has(id) && id % 2 === 0)).toBe(true);
});

it('compares a few alone in full, where vectors are of all directions', () => {
  const dimensions = 512;
  const scan = new VectorScan(dimensions);
  let state = 7;
  const random = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647 - 0.5;
  };
  const made = () => Float32Array.from({ length: dimensions }, random);
  for (let id = 1; id <= 5000; id++) scan.add({ id, stream: 'alpha', leaf: id, eventTime: 0, vector: made() });
  expect(scan.candidates(made(), 10, undefined).length).toBeLessThan(100);
});

/** One stream of so many records. */
function filled(count: number, of: (leaf: number) => Pick<IndexedRecord, 'text' | 'vector'>): SearchIndex {
  const index = new SearchIndex(new SqliteSearch(directories.next()), 4);
  index.store.begin('alpha', '');
  const changes = Array.from({ length: count }, (_, leaf): IndexChange => {
    const eventId = leaf.toString(16).padStart(32, '0');
    const record = { stream: 'alpha', leaf, eventId, seq: leaf, eventTime: leaf, refused: undefined, ...of(leaf) };
    return { kind: 'put', record };
  });
  index.take({ stream: 'alpha', next: count, versionId: undefined, changes });
  return index;
}

it('reads one vector that all records have once, and gives the newest of them', () => {
  const index = filled(3000, () => ({ text: '', vector: Float32Array.of(1, 2, 3, 4) }));
  const read = vi.spyOn(index.store, 'vector');
  const leaves = index
    .nearest(Float32Array.of(4, 3, 2, 1), 5, (_stream, leaf) => leaf < 2000)
    .map(({ id }) => index.store.record(id)?.leaf);
  expect(leaves).toEqual([1999, 1998, 1997, 1996, 1995]);
  expect(read).toHaveBeenCalledTimes(1);
  index.store.close();
});

it('reads no vector that cannot be among the nearest any more', () => {
  // Far from the query, so that their codes leave room in which the nearest is found, and only then others.
  const index = filled(2000, (leaf) => ({ text: '', vector: Float32Array.of(1, 0.5 + leaf * 2e-5, 0.3, 0.1) }));
  const query = Float32Array.of(0, 1, 0, 0);
  const all = new VectorScan(4);
  for (const row of index.store.vectorsAfter(0, 2000)) all.add(row);
  const read = vi.spyOn(index.store, 'vector');
  expect(index.nearest(query, 1, undefined).map(({ id }) => index.store.record(id)?.leaf)).toEqual([1999]);
  expect(read.mock.calls.length).toBeLessThan(all.candidates(query, 1, undefined).length);
  index.store.close();
});

it('ranks the newest matches alone where there are very many', () => {
  const index = filled(RANKED_MATCHES + 3, (leaf) => ({
    text: leaf === 2 || leaf === 3 ? 'heron' : 'heron reed',
    vector: undefined,
  }));
  const leaves = (admits?: Parameters<SearchIndex['matching']>[2]) =>
    index.matching('"heron"', 3, admits).map(({ id }) => index.store.record(id)?.leaf);
  // The first 3 are not ranked, though the best is among them.
  expect(leaves()).toEqual([3, RANKED_MATCHES + 2, RANKED_MATCHES + 1]);
  expect(leaves((_stream, leaf) => leaf < RANKED_MATCHES)).toEqual([3, 2, RANKED_MATCHES - 1]);
  index.store.close();
});
