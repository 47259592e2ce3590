/** The settings of the demo feeds, in the shapes of `INGEST_SOURCES_JSON` and `STREAMS_JSON`. */
export interface DemoConfig {
  sources: DemoSource[];
  streams: DemoStream[];
}

export interface DemoSource {
  id: string;
  name: string;
  type: 'webhook';
  auth: 'none';
  stream: string;
  policy: DemoPolicy;
}

export interface DemoStream {
  id: string;
  datasetId: string;
  description: string;
  publish: { mode: 'live' };
  policy: { license: string; classification: 'public' };
}

export interface DemoPolicy {
  map: Record<string, string>;
  required: string[];
  coerce: Record<string, 'iso8601' | 'number' | 'integer' | 'string'>;
  constraints: { bounds: Record<string, { min?: number; max?: number }> };
  timeField: string;
}

const machineMetrics: DemoPolicy = {
  map: {
    ts: 'ts',
    cpuBusy: 'cpu.busy',
    load1: 'load.m1',
    load5: 'load.m5',
    load15: 'load.m15',
    memoryFreeBytes: 'memory.freeBytes',
    memoryTotalBytes: 'memory.totalBytes',
    cpus: 'host.cpus',
    platform: 'host.platform',
    uptimeS: 'uptimeS',
  },
  required: ['ts', 'cpuBusy', 'load1', 'memoryFreeBytes', 'memoryTotalBytes', 'uptimeS'],
  coerce: { ts: 'iso8601', cpuBusy: 'number', load1: 'number', memoryFreeBytes: 'integer', uptimeS: 'integer' },
  constraints: {
    bounds: { cpuBusy: { min: 0, max: 1 }, load1: { min: 0 }, memoryFreeBytes: { min: 0 }, uptimeS: { min: 0 } },
  },
  timeField: 'ts',
};

const usgsEarthquakes: DemoPolicy = {
  map: {
    usgsId: 'usgsId',
    run: 'run',
    time: 'properties.time',
    magnitude: 'properties.mag',
    magnitudeType: 'properties.magType',
    place: 'properties.place',
    kind: 'properties.type',
    status: 'properties.status',
    longitude: 'geometry.coordinates.0',
    latitude: 'geometry.coordinates.1',
    depthKm: 'geometry.coordinates.2',
  },
  required: ['usgsId', 'time', 'magnitude', 'place', 'longitude', 'latitude', 'depthKm'],
  coerce: { time: 'integer', magnitude: 'number', longitude: 'number', latitude: 'number', depthKm: 'number' },
  constraints: {
    bounds: {
      magnitude: { min: -2, max: 10 },
      longitude: { min: -180, max: 180 },
      latitude: { min: -90, max: 90 },
      depthKm: { min: -10, max: 800 },
    },
  },
  timeField: 'properties.time',
};

const githubWebhooks: DemoPolicy = {
  map: {
    event: 'event',
    deliveredAt: 'deliveredAt',
    action: 'payload.action',
    repository: 'payload.repository.full_name',
    sender: 'payload.sender.login',
    senderId: 'payload.sender.id',
    number: 'payload.number',
    ref: 'payload.ref',
  },
  required: ['event', 'deliveredAt'],
  coerce: { deliveredAt: 'iso8601', senderId: 'integer', number: 'integer' },
  constraints: { bounds: { senderId: { min: 0 }, number: { min: 1 } } },
  timeField: 'deliveredAt',
};

/** The three sources of the demo and a stream for each. The sources are open: loopback only. */
export function demoConfig(): DemoConfig {
  return {
    sources: [
      source('machine-metrics', 'This machine, ten readings a second', machineMetrics),
      source('usgs-earthquakes', 'Earthquakes of one week in 2018, replayed', usgsEarthquakes),
      source('github-webhooks', 'Example deliveries of GitHub webhooks', githubWebhooks),
    ],
    streams: [
      stream('machine-metrics', 'Load, memory and processor use of the machine that runs the demo', 'CC0-1.0'),
      stream('usgs-earthquakes', 'USGS earthquake feed, one week of February 2018, replayed', 'CC-PDDC'),
      stream('github-webhooks', 'Example payloads of @octokit/webhooks-examples', 'MIT'),
    ],
  };
}

function source(id: string, name: string, policy: DemoPolicy): DemoSource {
  return { id, name, type: 'webhook', auth: 'none', stream: id, policy };
}

function stream(id: string, description: string, license: string): DemoStream {
  return {
    id,
    datasetId: `demo/${id}`,
    description,
    publish: { mode: 'live' },
    policy: { license, classification: 'public' },
  };
}
