import { describe, expect, it } from 'vitest';
import { type Earthquake, loadEarthquakes, parseEarthquakes, replay } from '../../src/demo/earthquakes.ts';
import { DemoError } from '../../src/demo/errors.ts';
import { githubEvent, loadGithubExamples, parseGithubExamples } from '../../src/demo/github.ts';

function earthquake(id: string, time: number): Earthquake {
  return { id, properties: { time, mag: 1 }, geometry: { coordinates: [1, 2, 3] } };
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    return error instanceof DemoError ? error.code : undefined;
  }
  return undefined;
}

describe('earthquakes', () => {
  it('reads the whole data set, oldest first', async () => {
    const data = await loadEarthquakes();
    expect(data).toHaveLength(1707);
    const times = data.map(({ properties }) => properties.time);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('gives every replayed event an id of its own, within a pass and across passes', async () => {
    const data = await loadEarthquakes();
    const ids = ['r.0', 'r.1'].flatMap((run) => [...replay(data, run, 1000)].map(({ event }) => event.id));
    expect(new Set(ids).size).toBe(2 * 1707);
  });

  it('keeps the feature as it is and the pauses in proportion', () => {
    const steps = [...replay([earthquake('a', 5_000), earthquake('b', 5_000), earthquake('c', 9_000)], 'r.0', 1000)];
    expect(steps.map(({ waitMs }) => waitMs)).toEqual([0, 0, 4]);
    expect(steps[2]?.event).toEqual({ ...earthquake('c', 9_000), id: 'c@r.0', usgsId: 'c', run: 'r.0' });
  });

  it('takes ten minutes for the week', async () => {
    const total = [...replay(await loadEarthquakes(), 'r.0', 1000)].reduce((sum, { waitMs }) => sum + waitMs, 0);
    expect(Math.round(total / 1000)).toBe(603);
  });

  it.each(['{}', '{"features":[{"id":1}]}', '{"features":[{"id":"a","properties":{"time":1}}]}'])(
    'refuses %s',
    (text) => {
      expect(codeOf(() => parseEarthquakes(text))).toBe('bad-dataset');
    },
  );
});

describe('GitHub webhooks', () => {
  it('reads all examples, and gives each an id of its own, across passes too', async () => {
    const examples = await loadGithubExamples();
    expect(examples).toHaveLength(329);
    const ids = ['r.0', 'r.1'].flatMap((run) => examples.map((example) => githubEvent(example, run, 0).id));
    expect(new Set(ids).size).toBe(2 * 329);
  });

  it('lists first examples before second ones', () => {
    const text = JSON.stringify([
      { name: 'push', examples: [{ n: 1 }, { n: 2 }] },
      { name: 'fork', examples: [{ n: 3 }] },
    ]);
    expect(parseGithubExamples(text).map(({ payload }) => payload.n)).toEqual([1, 3, 2]);
  });

  it('builds a delivery', () => {
    const example = { event: 'push', index: 2, payload: { ref: 'refs/heads/main' } };
    expect(githubEvent(example, 'r.1', 1_700_000_000_123)).toEqual({
      id: 'push-2-r.1',
      event: 'push',
      deliveredAt: '2023-11-14T22:13:20.123Z',
      payload: { ref: 'refs/heads/main' },
    });
  });

  it.each(['{}', '[{"name":"push"}]', '[{"examples":[]}]'])('refuses %s', (text) => {
    expect(codeOf(() => parseGithubExamples(text))).toBe('bad-dataset');
  });
});
