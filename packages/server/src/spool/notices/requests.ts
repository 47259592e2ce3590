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
  names: TargetNames;
}

/** The settings that the operator has to look at where the target does not take it. */
export interface TargetNames {
  /** Undefined where the operator does not write the path. */
  url: string | undefined;
  token: string;
}

/** POST {action, channel, message} with a bearer token. */
export function publishNotifier({ url, token, timeoutMs, names }: PublishTarget): Notifier {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  return {
    target: shown(url),
    notify: ({ channel, message }) => {
      const body = JSON.stringify({ action: 'publish', channel, message: JSON.stringify(message) });
      return send({ method: 'POST', url, headers, body }, timeoutMs, names);
    },
  };
}

export interface TemplateOptions {
  templates: TemplatePaths;
  timeoutMs: number;
  env: Environment;
  log: SpoolLog;
}

const IN_TEMPLATES: TargetNames = { url: 'EDGE_URL or GATE_URL', token: 'EDGE_TOKEN or GATE_TOKEN' };

/** Whatever a template renders to is sent. Templates are read each time, so that a mended one counts at once. */
export function templateNotifier({ templates, timeoutMs, env, log }: TemplateOptions): Notifier {
  const warned = new Set<string>();
  return {
    target: 'the target of the templates',
    notify: async ({ message }) => {
      const request = render(templateOf(message, templates), message, env);
      const warning = plaintextWarning(request);
      if (warning !== undefined && !warned.has(warning)) log.warn({}, warning);
      if (warning !== undefined) warned.add(warning);
      await send(request, timeoutMs, IN_TEMPLATES);
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

async function send(request: NotifierRequest, timeoutMs: number, names: TargetNames): Promise<void> {
  const status = await statusOf(request, timeoutMs);
  if (status >= 200 && status < 300) return;
  const why = `${shown(request.url)}: the answer was ${status}${hintOf(status, names)}`;
  if (status >= 300 && status < 500 && !TRY_LATER.has(status)) throw new RefusedDelivery(why);
  throw new SpoolError('not-delivered', why);
}

/** What most often is the matter. */
function hintOf(status: number, { url, token }: TargetNames): string {
  if (status === 401) return ` (is ${token} the token of the target?)`;
  if (status === 403) return ` (is ${token} the token of the target, and the channel in its ALLOWED_CHANNELS?)`;
  if (url !== undefined && (status === 404 || status === 405)) return ` (${url} needs the path: …/event-publish)`;
  return '';
}

/** Without what may hold a secret. */
function shown(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

async function statusOf(request: NotifierRequest, timeoutMs: number): Promise<number> {
  try {
    return (await sendRequest(request, { timeoutMs })).status;
  } catch (cause) {
    if (!(cause instanceof NotifierError)) throw cause;
    throw new SpoolError('not-delivered', `${shown(request.url)}: ${cause.message}`, { cause });
  }
}
