/** What the function is told by its environment. */
import {
  boundedMessageBytes,
  DEFAULT_CHANNELS,
  type EventPublishSettings,
} from '../../../packages/server/src/notify/event-publish.ts';

export interface EdgeConfig {
  settings: EventPublishSettings;
  redisUrl: string | undefined;
  mirrorUrl: string | undefined;
  /** Of the project, where rows are to be kept. */
  rest: { url: string; key: string } | undefined;
}

export class EdgeConfigError extends Error {
  readonly code = 'invalid-setting';

  constructor(message: string) {
    super(message);
    this.name = 'EdgeConfigError';
  }
}

/** @param get a variable; empty counts as absent @throws EdgeConfigError */
export function edgeConfig(get: (name: string) => string | undefined): EdgeConfig {
  const bytes = get('MAX_MESSAGE_BYTES')?.trim();
  const url = get('SUPABASE_URL');
  const key = get('SUPABASE_SERVICE_ROLE_KEY');
  return {
    settings: {
      tokens: listed(get('EDGE_TOKEN')) ?? [],
      allowedChannels: listed(get('ALLOWED_CHANNELS')) ?? DEFAULT_CHANNELS,
      maxMessageBytes: boundedMessageBytes(bytes ? Number(bytes) : undefined),
      schema: schemaOf(get('EVENT_SCHEMA')?.trim() || 'off'),
    },
    redisUrl: get('REDIS_URL') || undefined,
    mirrorUrl: get('TIMESERIES_WEBHOOK_URL') || undefined,
    rest: url && key ? { url, key } : undefined,
  };
}

function listed(text: string | undefined): string[] | undefined {
  const items = (text ?? '').split(',').map((item) => item.trim());
  const said = items.filter((item) => item !== '');
  return said.length === 0 ? undefined : said;
}

function schemaOf(text: string): EventPublishSettings['schema'] {
  if (text === 'off' || text === 'warn' || text === 'enforce') return text;
  throw new EdgeConfigError(`EVENT_SCHEMA is off, warn or enforce, not ${text}`);
}
