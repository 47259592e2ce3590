/** All subscriptions, and what is ordered about them. */
import type { OutboundGuard } from '../outbound/guarded-lookup.ts';
import { OutboundError } from '../outbound/guarded-lookup.ts';
import { StoreError } from '../store/errors.ts';
import type { DeliveryRow, SubscriptionRow } from '../store/subscriptions.ts';
import { MEDIA_TYPE, testEvent } from './cloud-event.ts';
import { Courier, type CourierParts } from './courier.ts';
import { positionIn } from './delivery-id.ts';
import { SubscriptionError } from './errors.ts';
import { rotated, signing } from './secrets.ts';
import type {
  Change,
  Declared,
  DeliveryPage,
  NewSecret,
  PageQuery,
  Replayed,
  ReplayOrder,
  SubscriptionService,
  SubscriptionView,
  TestResult,
} from './service.ts';
import { SECRET_BYTES, secretText, signedHeaders } from './signing.ts';
import { deliveryView, subscriptionView } from './views.ts';

export interface DeskParts extends CourierParts {
  guard: OutboundGuard;
  randomBytes: (count: number) => Uint8Array;
  /** `source` of test events: a URI reference. */
  source: string;
}

const ID_BYTES = 8;
const CREATED_SINCE = '"since" is latest, earliest, or a cursor that this server has given out';
const REPLAYED_SINCE = '"since" is an RFC 3339 time, earliest, or a cursor that this server has given out';
const UNKNOWN_PAGE = '"cursor" is the nextCursor of a page of these deliveries; without it, the newest come first';

export class SubscriptionDesk implements SubscriptionService {
  readonly #parts: DeskParts;
  readonly #couriers = new Map<string, Courier>();

  constructor(parts: DeskParts) {
    this.#parts = parts;
    for (const row of parts.store.subscriptions()) this.#couriers.set(row.id, new Courier(parts, row));
  }

  /** Of subscriptions whose secrets cannot be read. */
  get unreadable(): string[] {
    return [...this.#couriers].flatMap(([id, { secrets }]) => (secrets === undefined ? [id] : []));
  }

  get underWay(): number {
    return [...this.#couriers.values()].reduce((sum, { figures }) => sum + figures.underWay, 0);
  }

  /** The ledger may have grown, or what was in the way may be gone. */
  pump(): void {
    for (const courier of this.#couriers.values()) courier.pump();
  }

  trim(): void {
    for (const courier of this.#couriers.values()) courier.trim();
  }

  stop(): void {
    for (const courier of this.#couriers.values()) courier.stop();
  }

  end(): void {
    for (const courier of this.#couriers.values()) courier.end();
  }

  async create({ settings, since, enabled }: Declared): Promise<NewSecret> {
    const { store, secrets, now, randomBytes, feed } = this.#parts;
    this.#checkRoom();
    await this.#checkUrl(settings.url);
    // Others may have been made while the name was looked up.
    this.#checkRoom();
    const id = `sub_${Buffer.from(randomBytes(ID_BYTES)).toString('hex')}`;
    const secret = secretText(randomBytes(SECRET_BYTES));
    const at = now();
    const cursor = since === 'latest' ? feed.head() : this.#position(since, CREATED_SINCE);
    const row: SubscriptionRow = {
      ...{ id, settings, secrets: secrets.seal(id, [{ secret }]), createdAt: at, updatedAt: at, cursor },
      ...{ paused: enabled ? undefined : 'disabled', progress: { breaker: { failures: 0 } }, logFrom: at },
    };
    store.insert(row);
    const courier = new Courier(this.#parts, row);
    this.#couriers.set(id, courier);
    courier.pump();
    return { ...this.#view(courier), secret };
  }

  async list(): Promise<SubscriptionView[]> {
    return [...this.#couriers.values()].map((courier) => this.#view(courier));
  }

  async show(id: string): Promise<SubscriptionView> {
    return this.#view(this.#courier(id));
  }

  async change(id: string, { settings, enabled }: Change): Promise<SubscriptionView> {
    const { url } = settings;
    if (url !== undefined) {
      this.#courier(id);
      await this.#checkUrl(url);
    }
    const courier = this.#courier(id);
    const { row } = courier;
    const paused = enabled === undefined ? row.paused : enabled ? undefined : 'disabled';
    const merged = { ...row.settings, ...settings } as SubscriptionRow['settings'];
    courier.change({ settings: merged, paused, updatedAt: this.#parts.now() });
    return this.#view(courier);
  }

  async remove(id: string): Promise<void> {
    const courier = this.#courier(id);
    this.#parts.store.remove(id);
    this.#parts.outbox.drop(id);
    courier.end();
    this.#couriers.delete(id);
  }

  async rotate(id: string, overlapMs: number): Promise<NewSecret> {
    const { secrets, now, randomBytes } = this.#parts;
    const courier = this.#courier(id);
    const secret = secretText(randomBytes(SECRET_BYTES));
    const at = now();
    const list = rotated(courier.secrets ?? [], secret, at + overlapMs, at);
    courier.change({ secrets: secrets.seal(id, list), updatedAt: at });
    return { ...this.#view(courier), secret };
  }

  async deliveries(id: string, { status, after, limit }: PageQuery): Promise<DeliveryPage> {
    this.#courier(id);
    this.#parts.outbox.flush();
    const before = after === undefined ? undefined : positionIn(id, after);
    if (after !== undefined && before === undefined) {
      throw new SubscriptionError('unknown-cursor', UNKNOWN_PAGE);
    }
    const rows = this.#parts.store.deliveries(id, { state: status, before }, limit);
    const items = rows.map((row) => deliveryView(row, this.#parts.feed));
    return { items, next: rows.length < limit ? null : (items.at(-1)?.id ?? null) };
  }

  async replay(id: string, order: ReplayOrder): Promise<Replayed> {
    const courier = this.#courier(id);
    this.#parts.outbox.flush();
    if ('since' in order) {
      const from = this.#position(order.since, REPLAYED_SINCE);
      const replayed = Math.max(0, courier.row.cursor - from);
      courier.rewind(from);
      return { replayed, unknown: [] };
    }
    const { rows, unknown } = this.#chosen(courier, order);
    courier.resend(rows);
    return { replayed: rows.length, unknown };
  }

  async discard(id: string, which: { deliveries: readonly string[] } | { dead: true }): Promise<{ discarded: number }> {
    const courier = this.#courier(id);
    this.#parts.outbox.flush();
    const { rows } = this.#chosen(courier, which);
    const open = rows.filter(({ state }) => state !== 'delivered');
    courier.discard(open);
    return { discarded: open.length };
  }

  async test(id: string): Promise<TestResult> {
    const { sender, now, source } = this.#parts;
    const { row, secrets = [] } = this.#courier(id);
    const at = now();
    const body = testEvent(id, source, at);
    const { id: event } = JSON.parse(body) as { id: string };
    const signed = signedHeaders(signing(secrets, at), `${id}_test_${event}`, Math.floor(at / 1000), body);
    const begun = performance.now();
    const outcome = await sender.send({
      url: new URL(row.settings.url),
      headers: { ...signed, 'content-type': MEDIA_TYPE, 'user-agent': 'Tidemark' },
      body,
    });
    return {
      delivered: outcome.kind === 'delivered',
      status: outcome.status ?? null,
      latencyMs: Math.round(performance.now() - begun),
      reason: outcome.kind === 'delivered' ? null : outcome.reason,
    };
  }

  #chosen(
    { row }: Courier,
    order: Exclude<ReplayOrder, { since: unknown }>,
  ): { rows: DeliveryRow[]; unknown: string[] } {
    const { store } = this.#parts;
    if ('dead' in order) return { rows: store.inState(row.id, 'dead'), unknown: [] };
    if ('sinceTime' in order) {
      if (order.sinceTime < row.logFrom) {
        const from = new Date(row.logFrom).toISOString();
        throw new SubscriptionError(
          'log-too-short',
          `the log is whole from ${from} on; give a cursor for what was before`,
        );
      }
      return { rows: store.settledSince(row.id, order.sinceTime), unknown: [] };
    }
    const found = order.deliveries.map((name) => {
      const position = positionIn(row.id, name);
      return { name, row: position === undefined ? undefined : store.delivery(row.id, position) };
    });
    return {
      rows: found.flatMap((one) => one.row ?? []),
      unknown: found.flatMap((one) => (one.row === undefined ? [one.name] : [])),
    };
  }

  #courier(id: string): Courier {
    const courier = this.#couriers.get(id);
    if (courier === undefined) throw new SubscriptionError('not-found', 'there is no subscription with this id');
    return courier;
  }

  #view(courier: Courier): SubscriptionView {
    return subscriptionView(courier, this.#parts.feed, this.#parts.now());
  }

  /** @param taken what may be said instead of a cursor that is none */
  #position(since: 'earliest' | { cursor: string }, taken: string): number {
    if (since === 'earliest') return 0;
    const position = this.#parts.feed.position(since.cursor);
    if (position !== undefined) return position;
    throw new SubscriptionError('unknown-cursor', taken);
  }

  #checkRoom(): void {
    const { max } = this.#parts.settings;
    if (this.#couriers.size >= max) {
      throw new SubscriptionError('too-many', `there are ${max} subscriptions, which is as many as there may be`);
    }
  }

  /** A name that does not resolve now may do so later; one that resolves to what may not be called is refused at once. */
  async #checkUrl(url: string): Promise<void> {
    try {
      await this.#parts.guard.check(new URL(url));
    } catch (cause) {
      if (!(cause instanceof OutboundError)) throw cause;
      if (cause.code === 'address-not-allowed')
        throw new SubscriptionError('url-not-allowed', cause.message, { cause });
    }
  }
}

/** Of errors of the store, whoever gave the order hears that it may or may not be done. */
export function asSubscriptionError(error: unknown): SubscriptionError | undefined {
  if (error instanceof SubscriptionError) return error;
  if (!(error instanceof StoreError)) return undefined;
  return new SubscriptionError('unavailable', 'this may or may not be stored; look, and say it again', {
    cause: error,
  });
}
