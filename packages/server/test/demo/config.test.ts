import { describe, expect, it } from 'vitest';
import { parseSources, parseStreams } from '../../src/config/declarations.ts';
import { demoConfig } from '../../src/demo/config.ts';
import { loadEarthquakes, replay } from '../../src/demo/earthquakes.ts';
import { githubEvent, loadGithubExamples } from '../../src/demo/github.ts';
import { metricsEvent, readMachine } from '../../src/demo/metrics.ts';
import { type JsonObject, parseJson } from '../../src/json/parse.ts';
import { compilePolicy } from '../../src/normalize/compile.ts';
import { PUBLISH_DEFAULTS } from '../../src/stream.ts';

const now = Date.parse('2026-03-01T12:00:00.250Z');
const { sources, streams } = demoConfig();
const declared = parseSources(sources, 'sources', { policy: {}, open: false });

/** What the source's policy makes of an event: its payload, or the reasons why it is quarantined. */
function normalize(sourceId: string, event: object): { time: string; outcome: unknown } {
  const policy = declared.find(({ source }) => source.id === sourceId)?.source.policy ?? {};
  const result = compilePolicy(policy).normalize(parseJson(JSON.stringify(event)) as JsonObject, now);
  return { time: result.eventTime, outcome: result.quarantined ? result.issues : JSON.parse(result.payload) };
}

describe('demoConfig', () => {
  it('declares sources and streams that the server takes, one stream a source', () => {
    const ids = ['machine-metrics', 'usgs-earthquakes', 'github-webhooks'];
    expect(declared.map(({ source }) => [source.id, source.stream, source.auth])).toEqual(
      ids.map((id) => [id, id, 'none']),
    );
    expect(parseStreams(streams, 'streams', PUBLISH_DEFAULTS.live).map(({ stream }) => stream.id)).toEqual(ids);
  });

  it('accepts a reading of this machine, and keeps its milliseconds', () => {
    const machine = readMachine();
    const { time, outcome } = normalize('machine-metrics', metricsEvent('r', 0, now, machine, machine));
    expect(time).toBe('2026-03-01T12:00:00.250Z');
    expect(outcome).toMatchObject({ ts: '2026-03-01T12:00:00.250Z', cpuBusy: 0, load1: machine.load[0] });
  });

  it('accepts every earthquake of the data set', async () => {
    const outcomes = [...replay(await loadEarthquakes(), 'r.0', 1000)].map(({ event }) =>
      normalize('usgs-earthquakes', event),
    );
    expect(outcomes.filter(({ outcome }) => Array.isArray(outcome))).toEqual([]);
    expect(outcomes[0]).toEqual({
      time: '2018-01-31T01:49:59.650Z',
      outcome: {
        usgsId: 'uw61345682',
        run: 'r.0',
        time: 1517363399650,
        magnitude: 0.31,
        magnitudeType: 'ml',
        place: '37km NNE of Amboy, Washington',
        kind: 'earthquake',
        status: 'reviewed',
        longitude: -122.197,
        latitude: 46.2035,
        depthKm: 3.28,
      },
    });
  });

  it('quarantines an earthquake that cannot be', async () => {
    const [earthquake] = await loadEarthquakes();
    const broken = { ...earthquake, properties: { ...earthquake?.properties, mag: 12 } };
    expect(normalize('usgs-earthquakes', broken).outcome).toEqual([
      'required-missing:usgsId',
      'bounds-max:magnitude:12>10',
    ]);
  });

  it('accepts every example delivery', async () => {
    const outcomes = (await loadGithubExamples()).map(
      (example) => normalize('github-webhooks', githubEvent(example, 'r.0', now)).outcome,
    );
    expect(outcomes.filter(Array.isArray)).toEqual([]);
    expect(outcomes[0]).toEqual({
      event: 'branch_protection_rule',
      deliveredAt: '2026-03-01T12:00:00.250Z',
      action: 'edited',
      repository: 'octo-org/octo-repo',
      sender: 'Codertocat',
      senderId: 21031067,
    });
  });
});
