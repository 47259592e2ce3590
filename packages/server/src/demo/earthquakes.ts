import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { DemoError } from './errors.ts';

/** A feature of the USGS GeoJSON feed, the members that the replay itself relies on; all others travel along. */
export interface Earthquake {
  id: string;
  properties: { time: number; [name: string]: unknown };
  geometry: { coordinates: number[] };
}

/** The feature as the USGS published it, under an id of its own for each replay. */
export type EarthquakeEvent = Earthquake & { usgsId: string; run: string };

export interface ReplayStep {
  event: EarthquakeEvent;
  /** Wait after the step before it, in milliseconds. */
  waitMs: number;
}

/** Reads `earthquakes.json` of vega-datasets: one week of February 2018, 1,707 events. */
export async function loadEarthquakes(): Promise<Earthquake[]> {
  const entry = createRequire(import.meta.url).resolve('vega-datasets');
  return parseEarthquakes(await readFile(new URL('../data/earthquakes.json', pathToFileURL(entry)), 'utf8'));
}

/** The features in the order in which the earth shook; the feed lists the newest first. */
export function parseEarthquakes(text: string): Earthquake[] {
  const features = (JSON.parse(text) as { features?: unknown }).features;
  if (!Array.isArray(features) || !features.every(isEarthquake)) {
    throw new DemoError('bad-dataset', 'earthquakes: not a list of GeoJSON features with id, time and coordinates');
  }
  return features.sort((a, b) => a.properties.time - b.properties.time);
}

function isEarthquake(feature: unknown): feature is Earthquake {
  const { id, properties, geometry } = feature as Partial<Earthquake>;
  return typeof id === 'string' && typeof properties?.time === 'number' && Array.isArray(geometry?.coordinates);
}

/**
 * One pass over the data, `speed` times as fast as it happened. The same event id again would be a duplicate by
 * design and leave the log as it is, so a pass is a replay of its own: `run` is part of each id.
 */
export function* replay(earthquakes: readonly Earthquake[], run: string, speed: number): Generator<ReplayStep> {
  let before = earthquakes[0]?.properties.time ?? 0;
  for (const earthquake of earthquakes) {
    const { time } = earthquake.properties;
    const event = { ...earthquake, id: `${earthquake.id}@${run}`, usgsId: earthquake.id, run };
    yield { event, waitMs: (time - before) / speed };
    before = time;
  }
}
