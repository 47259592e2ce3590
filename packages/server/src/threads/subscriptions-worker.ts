/** The thread of outgoing webhooks: what receivers cost, slow ones and TLS, costs nobody else. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { subscriptionKey } from '../keys.ts';
import { CursorCodec } from '../live/cursor.ts';
import { LedgerMessages } from '../live/messages.ts';
import { OutboundGuard } from '../outbound/guarded-lookup.ts';
import { PublicAddresses } from '../outbound/public-address.ts';
import { PacketLines } from '../read/lines.ts';
import { Policies } from '../read/policies.ts';
import { SaltedPayloads } from '../read/salted-payloads.ts';
import { PacketFiles } from '../store/packets.ts';
import { SqliteJournalReader } from '../store/sqlite/journal.ts';
import { SqliteLedgerReader } from '../store/sqlite/ledger-reader.ts';
import { SqliteSubscriptions } from '../store/sqlite/subscriptions.ts';
import { asSubscriptionError, SubscriptionDesk } from '../subscriptions/desk.ts';
import { Feed } from '../subscriptions/feed.ts';
import { Outbox } from '../subscriptions/outbox.ts';
import { SecretBox } from '../subscriptions/secrets.ts';
import { Sender } from '../subscriptions/sender.ts';
import { inWords } from './in-words.ts';
import type { FromSubscriptions, Method, SubscriptionsSetup, ToSubscriptions } from './subscriptions-protocol.ts';

/** What is under way when the server closes gets so long, and is sent again after the next start. */
const CLOSING_MS = 2000;
const CLOSING_LOOK_MS = 10;
const TRIM_MS = 3_600_000;

const setup = workerData as SubscriptionsSetup;
const { dataDir, settings } = setup;
const port = parentPort!;
const journal = new SqliteJournalReader(dataDir);
const ledger = new SqliteLedgerReader(dataDir);
const lines = new PacketLines(
  ledger,
  new PacketFiles(dataDir),
  new SaltedPayloads(journal, ledger, new Policies(ledger)),
);
const feed = new Feed({
  ledger,
  messages: new LedgerMessages(ledger, lines),
  codec: new CursorCodec(setup.instanceId, ledger),
});
const store = new SqliteSubscriptions(dataDir);
const guard = new OutboundGuard(new PublicAddresses(settings.allow));
const sender = new Sender({ settings: settings.sender, guard, now: Date.now });
const troubled = (error: unknown) => say({ kind: 'trouble', message: inWords(error) });
const outbox = new Outbox({ store, failed: troubled, recovered: () => desk.pump() });
const desk: SubscriptionDesk = new SubscriptionDesk({
  ...{ store, outbox, feed, sender, guard, settings, troubled, randomBytes },
  ...{ now: Date.now, random: Math.random },
  secrets: new SecretBox(subscriptionKey(dataDir)),
  source: `//${setup.originPrefix}`,
});
if (desk.unreadable.length > 0) {
  const message = `subscription.key is missing or another one: ${desk.unreadable.join(', ')} wait until it is restored, or their secrets are rotated`;
  say({ kind: 'trouble', message });
}
const trimming = setInterval(() => desk.trim(), TRIM_MS);

port.on('message', (message: ToSubscriptions) => {
  switch (message.kind) {
    case 'wake':
      desk.pump();
      return;
    case 'forget':
      feed.forget();
      return;
    case 'call':
      void answer(message.id, message.method, message.args);
      return;
    case 'close':
      void close();
  }
});
desk.trim();
desk.pump();
say({ kind: 'ready' });

async function answer(id: number, method: Method, args: unknown[]): Promise<void> {
  try {
    const call = desk[method].bind(desk) as (...args: unknown[]) => Promise<unknown>;
    say({ kind: 'answer', id, value: await call(...args) });
  } catch (error) {
    const refusal = asSubscriptionError(error);
    if (refusal === undefined) throw error;
    if (refusal.code === 'unavailable') troubled(error);
    say({ kind: 'refusal', id, code: refusal.code, message: refusal.message });
  }
}

async function close(): Promise<void> {
  clearInterval(trimming);
  desk.stop();
  for (let waited = 0; desk.underWay > 0 && waited < CLOSING_MS; waited += CLOSING_LOOK_MS)
    await delay(CLOSING_LOOK_MS);
  desk.end();
  sender.close();
  try {
    outbox.flush();
  } catch (error) {
    troubled(error);
  }
  outbox.close();
  store.close();
  journal.close();
  ledger.close();
  port.close();
}

function say(message: FromSubscriptions): void {
  port.postMessage(message);
}
