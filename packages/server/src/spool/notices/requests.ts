/** Notifiers that make a request themselves: by the publish contract, or as a template of the operator's says. */
import { readFileSync } from 'node:fs';
import { NotifierError } from '../../notify/errors.ts';
import { type NotifierRequest, plaintextWarning, renderRequest } from '../../notify/notifier.ts';
import { sendRequest } from '../../notify/send.ts';
import { SpoolError } from '../errors.ts';
import type { SpoolLog } from '../log.ts';
import type { Environment, TemplatePaths } from '../settings.ts';
import { type BatchMessage, type Notifier, RefusedDelivery } from './notice.ts';

export interface PublishTarget {
  url: string;
  token: string;
  timeoutMs: number;
}

/** POST {action, channel, message} with a bearer token. */
export function publishNotifier({ url, token, timeoutMs }: PublishTarget): Notifier {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  return {
    notify: ({ channel, message }) => {
      const body = JSON.stringify({ action: 'publish', channel, message: JSON.stringify(message) });
      return send({ method: 'POST', url, headers, body }, timeoutMs);
    },
  };
}

export interface TemplateOptions {
  templates: TemplatePaths;
  timeoutMs: number;
  env: Environment;
  log: SpoolLog;
}

/** Whatever a template renders to is sent. Templates are read each time, so that a mended one counts at once. */
export function templateNotifier({ templates, timeoutMs, env, log }: TemplateOptions): Notifier {
  const warned = new Set<string>();
  return {
    notify: async ({ message }) => {
      const request = render(templateOf(message, templates), message, env);
      const warning = plaintextWarning(request);
      if (warning !== undefined && !warned.has(warning)) log.warn({}, warning);
      if (warning !== undefined) warned.add(warning);
      await send(request, timeoutMs);
    },
  };
}

export function templateOf({ event }: BatchMessage, { open, done, embedStart }: TemplatePaths): string {
  switch (event) {
    case 'gate.open':
      return open;
    case 'gate.done':
      return done;
    case 'embed.start':
      return embedStart;
  }
}

function render(path: string, message: BatchMessage, env: Environment): NotifierRequest {
  try {
    return renderRequest(readFileSync(path), path, { ...message }, { env, now: Date.now });
  } catch (cause) {
    // What cannot be rendered now cannot be a second later: the operator has to mend it.
    throw new RefusedDelivery(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

const TRY_LATER = new Set([408, 425, 429]);

async function send(request: NotifierRequest, timeoutMs: number): Promise<void> {
  const status = await statusOf(request, timeoutMs);
  if (status >= 200 && status < 300) return;
  const why = `the answer was ${status}`;
  if (status >= 300 && status < 500 && !TRY_LATER.has(status)) throw new RefusedDelivery(why);
  throw new SpoolError('not-delivered', why);
}

async function statusOf(request: NotifierRequest, timeoutMs: number): Promise<number> {
  try {
    return (await sendRequest(request, { timeoutMs })).status;
  } catch (cause) {
    if (!(cause instanceof NotifierError)) throw cause;
    throw new SpoolError('not-delivered', `${new URL(request.url).origin}: ${cause.message}`, { cause });
  }
}
