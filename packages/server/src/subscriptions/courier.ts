/**
 * Brings one subscription what it wants. Whenever the process ends, each message is before the cursor and among the
 * deliveries, or still to be read; what was sent and not yet stored as sent is sent again, under the same id.
 */
import { StoreError } from '../store/errors.ts';
import type { Attempt, DeliveryRow, SubscriptionRow, SubscriptionStore } from '../store/subscriptions.ts';
import { cloudEvent, MEDIA_TYPE } from './cloud-event.ts';
import { deliveryId } from './delivery-id.ts';
import type { Feed } from './feed.ts';
import { Intake } from './intake.ts';
import type { Outbox } from './outbox.ts';
import type { Outcome } from './outcome.ts';
import { type Pending, Queue } from './queue.ts';
import { type Secret, type SecretBox, signing } from './secrets.ts';
import type { Sender, Shipment } from './sender.ts';
import type { SubscriptionsSettings } from './settings.ts';
import { signedHeaders } from './signing.ts';
import { Standing } from './standing.ts';
import { type Failure, verdictOn } from './verdict.ts';

export interface CourierParts {
  store: SubscriptionStore;
  outbox: Outbox;
  feed: Feed;
  sender: Pick<Sender, 'send'>;
  secrets: SecretBox;
  settings: SubscriptionsSettings;
  /** Milliseconds since 1970. */
  now: () => number;
  /** From 0 to 1. */
  random: () => number;
  /** Something failed and will be tried again. */
  troubled: (error: unknown) => void;
}

/** Parts of the ledger read before the other subscriptions get their turn. */
const PARTS_A_TURN = 4;
const TROUBLE_MS = 1000;
/** Of each delivery. */
const MAX_ATTEMPTS_SHOWN = 20;
/** Timers hold no more than 24 days. */
const LONGEST_TIMER_MS = 3_600_000;
/** The log is trimmed when it is over its bound by a tenth. */
const OVERRUN = 0.1;
const LEAST_OVERRUN = 100;

export class Courier {
  readonly #parts: CourierParts;
  readonly #standing: Standing;
  readonly #queue: Queue;
  readonly #intake: Intake;
  #secrets: Secret[] | undefined;
  #underWay = 0;
  #deliveredSinceTrim = 0;
  #timer: NodeJS.Timeout | undefined;
  #reading: NodeJS.Immediate | undefined;
  #state: 'working' | 'stopping' | 'ended' = 'working';

  constructor(parts: CourierParts, row: SubscriptionRow) {
    const { store, outbox, feed, settings, now } = parts;
    this.#parts = parts;
    const standing = new Standing(parts, row);
    const queue = new Queue(row.settings.order, store.inState(row.id, 'pending'));
    this.#intake = new Intake({ store, outbox, feed, standing, queue, limit: settings.bounds.pending, now });
    this.#standing = standing;
    this.#queue = queue;
    this.#secrets = parts.secrets.open(row.id, row.secrets);
  }

  /** As it is now, with what is not stored yet. */
  get row(): SubscriptionRow {
    return this.#standing.row;
  }

  get secrets(): readonly Secret[] | undefined {
    return this.#secrets;
  }

  get figures() {
    const { breaker, dead } = this.#standing;
    const state = breaker.isOpen ? (this.#underWay > 0 ? 'half-open' : 'open') : 'closed';
    return { breaker: state, pending: this.#queue.size, underWay: this.#underWay, dead } as const;
  }

  /** Reads on, and sends what can be sent. */
  pump(): void {
    clearTimeout(this.#timer);
    if (this.#state !== 'working' || this.#parts.outbox.failing) return;
    if (this.row.paused !== undefined || this.#secrets === undefined) return;
    try {
      this.#readOn();
      this.#sendOn();
      this.#wakeLater();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#parts.troubled(error);
      this.#timer = setTimeout(() => this.pump(), TROUBLE_MS);
    }
  }

  /** What its owner has changed holds from now on, and is on disk when this returns. @throws StoreError */
  change(change: Partial<Pick<SubscriptionRow, 'settings' | 'secrets' | 'paused' | 'updatedAt'>>): void {
    const before = this.row;
    const after = { ...before, ...change };
    const resumed = before.paused !== undefined && after.paused === undefined;
    const anew = resumed || after.settings.url !== before.settings.url;
    this.#standing.replace(change, anew);
    if (anew) this.#queue.hasten(this.#parts.now());
    this.#queue.reorder(after.settings.order);
    this.#intake.changed();
    this.#secrets = this.#parts.secrets.open(after.id, after.secrets);
    this.pump();
  }

  /** Sends these again, whatever came of them; those that wait anyway wait no longer. @throws StoreError */
  resend(rows: readonly DeliveryRow[]): void {
    const dueAt = this.#parts.now();
    const settled = rows.filter(({ state }) => state !== 'pending');
    const again = settled.map((row): DeliveryRow => {
      return { ...row, state: 'pending', failures: 0, dueAt, settledAt: undefined };
    });
    for (const row of again) this.#queue.add(row);
    for (const { position } of rows) this.#queue.hasten(dueAt, position);
    this.#standing.addDead(-countDead(rows));
    this.#standing.storeNow(again);
    this.pump();
  }

  /** Reads again from a position on. @throws StoreError */
  rewind(position: number): void {
    const { cursor, progress } = this.row;
    if (position >= cursor) return;
    this.#standing.note({ rereadTo: Math.max(progress.rereadTo ?? 0, cursor) });
    this.#standing.move(position);
    this.#standing.storeNow([]);
    this.pump();
  }

  /** Gives these up; one that is under way may still arrive. @throws StoreError */
  discard(rows: readonly DeliveryRow[]): void {
    const positions = rows.map(({ position }) => position);
    this.#parts.store.discard(this.row.id, positions);
    for (const position of positions) this.#queue.remove(position);
    this.#standing.addDead(-countDead(rows));
    this.#standing.storeNow([]);
    this.pump();
  }

  /** Keeps the log within its bounds. */
  trim(): void {
    this.#deliveredSinceTrim = 0;
    try {
      this.#standing.trim(this.#parts.now());
    } catch (error) {
      this.#parts.troubled(error);
    }
  }

  /** Begins nothing more; what is under way is settled. */
  stop(): void {
    this.#state = 'stopping';
    clearTimeout(this.#timer);
    clearImmediate(this.#reading);
  }

  /** Nothing that happens from now on counts. */
  end(): void {
    this.stop();
    this.#state = 'ended';
  }

  #readOn(): void {
    for (let part = 0; part < PARTS_A_TURN; part++) {
      if (!this.#intake.read()) return;
    }
    clearImmediate(this.#reading);
    this.#reading = setImmediate(() => this.pump());
  }

  #sendOn(): void {
    const now = this.#parts.now();
    const { breaker, row } = this.#standing;
    if (now < (row.progress.heldUntil ?? 0)) return;
    if (breaker.isOpen) {
      const probe = this.#underWay === 0 && now >= breaker.probeAt ? this.#queue.probe() : undefined;
      if (probe !== undefined) this.#send(probe);
      return;
    }
    while (this.#underWay < row.settings.concurrency) {
      const pending = this.#queue.next(now);
      if (pending === undefined) return;
      this.#send(pending);
    }
  }

  #send(pending: Pending): void {
    const { sender, now } = this.#parts;
    const shipment = this.#shipment(pending.row);
    this.#queue.started(pending);
    this.#underWay++;
    const at = now();
    const begun = performance.now();
    void sender.send(shipment).then((outcome) => {
      this.#underWay--;
      // Unless it was discarded meanwhile, or there is nobody left to hear of it.
      if (this.#state !== 'ended' && this.#queue.has(pending.row.position)) {
        this.#queue.ended(pending);
        this.#settle(pending, outcome, { at, latencyMs: Math.round(performance.now() - begun) });
      }
      this.pump();
    });
  }

  /** Made from the ledger each time: what is erased meanwhile is not sent. */
  #shipment({ position }: DeliveryRow): Shipment {
    const { feed, now } = this.#parts;
    const { id, settings } = this.row;
    const body = cloudEvent(feed.at(position));
    const at = now();
    const secrets = signing(this.#secrets ?? [], at);
    const signed = signedHeaders(secrets, deliveryId(id, position), Math.floor(at / 1000), body);
    const headers = { ...signed, 'content-type': MEDIA_TYPE, 'user-agent': 'Tidemark' };
    return { url: new URL(settings.url), headers, body };
  }

  #settle(pending: Pending, outcome: Outcome, timing: Attempt): void {
    const { status } = outcome;
    const reason = outcome.kind === 'delivered' ? undefined : outcome.reason;
    const attempt = { ...timing, ...(status !== undefined && { status }), ...(reason !== undefined && { reason }) };
    pending.row = { ...pending.row, attempts: [...pending.row.attempts, attempt].slice(-MAX_ATTEMPTS_SHOWN) };
    if (outcome.kind === 'delivered') this.#delivered(pending);
    else this.#failed(pending, outcome);
  }

  #delivered({ row }: Pending): void {
    const now = this.#parts.now();
    const wasOpen = this.#standing.breaker.isOpen;
    this.#standing.succeeded(now);
    this.#queue.remove(row.position);
    if (wasOpen) this.#queue.hasten(now);
    this.#standing.store([{ ...row, state: 'delivered', settledAt: now }]);
    const overrun = Math.max(LEAST_OVERRUN, this.#parts.settings.bounds.delivered * OVERRUN);
    if (++this.#deliveredSinceTrim >= overrun) this.trim();
  }

  #failed(pending: Pending, outcome: Failure): void {
    const { settings, now: clock, random } = this.#parts;
    const standing = this.#standing;
    const now = clock();
    standing.note({ lastFailure: { at: now, reason: outcome.reason } });
    const { breaker } = standing;
    const { failures, position } = pending.row;
    const verdict = verdictOn(outcome, { failures, breaker, retry: settings.retry, now, random });
    if (verdict.kind === 'dead' && standing.hasRoomForDead) {
      this.#queue.remove(position);
      standing.addDead(1);
      standing.store([{ ...pending.row, state: 'dead', failures: verdict.failures, settledAt: now }]);
      return;
    }
    if (verdict.kind === 'again') {
      const { heldUntil, kind: _, ...again } = verdict;
      if (heldUntil !== undefined) standing.note({ heldUntil });
      pending.row = { ...pending.row, ...again };
    } else {
      // It stays as it is: once the receiver is back, or there is room, it gets one more attempt.
      standing.pause(verdict.kind === 'gone' ? 'gone' : 'dead-letters-full');
    }
    standing.store([pending.row]);
  }

  /** Comes back when time alone changes what can be sent. */
  #wakeLater(): void {
    const { breaker, row } = this.#standing;
    if (row.paused !== undefined || this.#underWay >= row.settings.concurrency) return;
    if (breaker.isOpen && this.#underWay > 0) return;
    const due = breaker.isOpen && this.#queue.size > 0 ? breaker.probeAt : this.#queue.nextDue();
    if (due === undefined) return;
    const wait = Math.max(due, row.progress.heldUntil ?? 0) - this.#parts.now();
    this.#timer = setTimeout(() => this.pump(), Math.min(LONGEST_TIMER_MS, Math.max(1, wait)));
  }
}

function countDead(rows: readonly DeliveryRow[]): number {
  return rows.filter(({ state }) => state === 'dead').length;
}
