import { setTimeout as sleep } from 'node:timers/promises';
import { Tidemark } from '@tidemark/client';
import { loadEarthquakes, replay } from './earthquakes.ts';
import { DemoError } from './errors.ts';
import { githubEvent, loadGithubExamples } from './github.ts';
import { metricsEvent, readMachine } from './metrics.ts';
import { PATIENT, publish } from './publish.ts';

const METRICS_INTERVAL_MS = 100;
const GITHUB_INTERVAL_MS = 1_000;
/** A week in ten minutes: three earthquakes a second, in bursts as they came. */
const EARTHQUAKE_SPEED = 1_000;

export interface DemoFeedsOptions {
  /** Base URL of a running server that has the sources of `demoConfig()`. */
  url: string;
  /** Ends the feeds. */
  signal: AbortSignal;
  /** Told of failed attempts (which are repeated), refused events, and of a feed that had to stop. */
  onError: (error: DemoError) => void;
}

type Feed = (run: string, send: (event: object) => Promise<boolean>, signal: AbortSignal) => Promise<void>;

/**
 * Publishes the three demo feeds until the signal aborts. Each feed takes its next event only when the server has the
 * one before it, so that an outage delays events and loses none.
 */
export async function startDemoFeeds(options: DemoFeedsOptions): Promise<void> {
  const run = Date.now().toString(36);
  const { url, signal, onError } = options;
  const tidemark = new Tidemark({ url, ...PATIENT });
  const feeds: Record<string, Feed> = {
    'machine-metrics': machineMetrics,
    'usgs-earthquakes': earthquakes,
    'github-webhooks': githubWebhooks,
  };
  await Promise.all(
    Object.entries(feeds).map(async ([sourceId, feed]) => {
      try {
        await feed(run, (event) => publish([event], { tidemark, sourceId, signal, onError }), signal);
      } catch (error) {
        // One feed that cannot go on leaves the other two running.
        if (!(error instanceof DemoError)) throw error;
        onError(error);
      }
    }),
  );
}

const machineMetrics: Feed = async (run, send, signal) => {
  let before = readMachine();
  let due = Date.now() + METRICS_INTERVAL_MS;
  for (let n = 0; await pause(Math.max(0, due - Date.now()), signal); n += 1) {
    const reading = readMachine();
    if (!(await send(metricsEvent(run, n, Date.now(), before, reading)))) return;
    before = reading;
    // After an outage the rhythm starts afresh: readings of a moment that has passed cannot be made up.
    due = Math.max(due + METRICS_INTERVAL_MS, Date.now());
  }
};

const earthquakes: Feed = async (run, send, signal) => {
  const data = await loadEarthquakes();
  for (let pass = 0; !signal.aborted; pass += 1) {
    for (const { event, waitMs } of replay(data, `${run}.${pass}`, EARTHQUAKE_SPEED)) {
      if (!(await pause(waitMs, signal)) || !(await send(event))) return;
    }
  }
};

const githubWebhooks: Feed = async (run, send, signal) => {
  const examples = await loadGithubExamples();
  for (let pass = 0; !signal.aborted; pass += 1) {
    for (const example of examples) {
      if (!(await send(githubEvent(example, `${run}.${pass}`, Date.now())))) return;
      if (!(await pause(GITHUB_INTERVAL_MS, signal))) return;
    }
  }
};

/** Waits; answers false, at once, when the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
