/** Subscriptions as requests declare and change them. */
import { parseRfc3339 } from '../json/time.ts';
import { SUBSCRIBED_TYPES, type SubscribedType, type SubscriptionSettings } from '../store/subscriptions.ts';
import type { Change, Declared, ReplayOrder } from '../subscriptions/service.ts';
import { parseReceiverUrl } from '../subscriptions/url.ts';
import { filterOf } from './filter-query.ts';
import { type Members, text, wholeNumber } from './json-body.ts';
import { badRequest } from './problem.ts';

const SETTINGS = ['url', 'types', 'streams', 'sources', 'filter', 'order', 'concurrency', 'description'];
export const CREATE_MEMBERS = [...SETTINGS, 'since', 'enabled'];
export const CHANGE_MEMBERS = [...SETTINGS, 'enabled'];
/** Restrictions; null takes one away. */
const REMOVABLE = ['streams', 'sources', 'filter', 'description'] as const;

const MAX_LIST = 1000;
const MAX_NAME_LENGTH = 256;
const MAX_DESCRIPTION_LENGTH = 1024;
const MAX_FILTER_LENGTH = 65_536;
const MAX_CONCURRENCY = 64;
const DEFAULT_CONCURRENCY = 8;
const MAX_CURSOR_LENGTH = 64;
const ORDERS = ['stream', 'none'] as const;

export function declaredIn(members: Members): Declared {
  const { url, types, order, concurrency, ...rest } = settingsIn(members);
  if (url === undefined) throw badRequest('"url" is missing: where events are to be sent');
  const settings = {
    ...{
      url,
      types: types ?? ['certified'],
      order: order ?? 'stream',
      concurrency: concurrency ?? DEFAULT_CONCURRENCY,
    },
    ...rest,
  };
  const since = text(members, 'since', MAX_CURSOR_LENGTH) ?? 'latest';
  return {
    settings,
    since: since === 'latest' || since === 'earliest' ? since : { cursor: since },
    enabled: flag(members, 'enabled') ?? true,
  };
}

export function changeIn(members: Members): Change {
  const removed = REMOVABLE.filter((name) => members[name] === null);
  const kept = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
  for (const name of Object.keys(members)) {
    const isRemovable = (REMOVABLE as readonly string[]).includes(name);
    if (members[name] === null && !isRemovable) throw badRequest(`"${name}" cannot be taken away`);
  }
  const settings = { ...settingsIn(kept), ...Object.fromEntries(removed.map((name) => [name, undefined])) };
  return { settings, enabled: flag(kept, 'enabled') };
}

export function replayIn(members: Members): ReplayOrder {
  const { deliveries, dead, since } = members;
  if ([deliveries, dead, since].filter((one) => one !== undefined).length !== 1) {
    throw badRequest('say one of "deliveries", "dead" and "since"');
  }
  if (since === undefined) return chosenIn(members);
  const word = text(members, 'since', MAX_CURSOR_LENGTH) ?? '';
  const time = parseRfc3339(word);
  if (time !== undefined) return { sinceTime: time };
  return { since: word === 'earliest' ? word : { cursor: word } };
}

export function chosenIn(members: Members): { deliveries: readonly string[] } | { dead: true } {
  const deliveries = names(members, 'deliveries');
  const dead = flag(members, 'dead');
  if ((deliveries === undefined) === (dead !== true)) throw badRequest('say "deliveries", or "dead": true');
  return deliveries === undefined ? { dead: true } : { deliveries };
}

/** Of the settings those that the request has. */
function settingsIn(members: Members): Partial<SubscriptionSettings> {
  return present({
    url: urlIn(members),
    types: typesIn(members),
    streams: names(members, 'streams'),
    sources: names(members, 'sources'),
    filter: filterIn(members),
    order: orderIn(members),
    concurrency: wholeNumber(members, 'concurrency', 1, MAX_CONCURRENCY),
    description: text(members, 'description', MAX_DESCRIPTION_LENGTH),
  });
}

function present<T extends object>(value: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof T]?: Exclude<T[Name], undefined> };
}

function urlIn(members: Members): string | undefined {
  if (members.url === undefined) return undefined;
  const parsed = typeof members.url === 'string' ? parseReceiverUrl(members.url) : { problem: 'text' };
  if ('problem' in parsed) throw badRequest(`"url" is ${parsed.problem}`);
  return parsed.url;
}

function typesIn(members: Members): SubscribedType[] | undefined {
  const what = `one or more of ${SUBSCRIBED_TYPES.join(', ')}`;
  return names(members, 'types', what)?.map((name) => {
    const type = SUBSCRIBED_TYPES.find((one) => one === name);
    if (type === undefined) throw badRequest(`"types" is a list of ${what}`);
    return type;
  });
}

function filterIn(members: Members): string | undefined {
  const filter = text(members, 'filter', MAX_FILTER_LENGTH);
  filterOf({ filter });
  return filter;
}

function orderIn(members: Members): SubscriptionSettings['order'] | undefined {
  if (members.order === undefined) return undefined;
  const order = ORDERS.find((one) => one === members.order);
  if (order === undefined) throw badRequest(`"order" is one of ${ORDERS.join(', ')}`);
  return order;
}

function names(members: Members, name: string, what = `1 to ${MAX_LIST} names`): string[] | undefined {
  const value = members[name];
  if (value === undefined) return undefined;
  const isName = (item: unknown) => typeof item === 'string' && item !== '' && item.length <= MAX_NAME_LENGTH;
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_LIST || !value.every(isName)) {
    throw badRequest(`"${name}" is a list of ${what}`);
  }
  return [...new Set(value as string[])];
}

function flag(members: Members, name: string): boolean | undefined {
  const value = members[name];
  if (value === undefined || typeof value === 'boolean') return value;
  throw badRequest(`"${name}" is true or false`);
}
