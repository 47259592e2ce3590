/** What the main thread and that of the outgoing webhooks say to each other. */
import type { SubscriptionErrorCode } from '../subscriptions/errors.ts';
import type { SubscriptionService } from '../subscriptions/service.ts';
import type { SubscriptionsSettings } from '../subscriptions/settings.ts';

export interface SubscriptionsSetup {
  dataDir: string;
  /** Marks the cursors of this directory. */
  instanceId: string;
  originPrefix: string;
  settings: SubscriptionsSettings;
}

export type Method = keyof SubscriptionService;

export type ToSubscriptions =
  /** The ledger may have grown. */
  | { kind: 'wake' }
  /** Something has been erased. */
  | { kind: 'forget' }
  | { kind: 'call'; id: number; method: Method; args: unknown[] }
  | { kind: 'close' };

export type FromSubscriptions =
  | { kind: 'ready' }
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'refusal'; id: number; code: SubscriptionErrorCode; message: string }
  | { kind: 'trouble'; message: string };
