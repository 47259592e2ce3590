/** What the main thread and that of the search index say to each other. */
import type { SearchErrorCode } from '../search/errors.ts';
import type { EmbedOrder, EmbedProgress, SearchQuery } from '../search/service.ts';
import type { SearchSettings } from '../search/settings.ts';

export interface SearchSetup {
  dataDir: string;
  settings: SearchSettings;
}

export type SearchCall =
  | { method: 'search'; query: SearchQuery }
  | { method: 'embedBatch'; order: EmbedOrder }
  | { method: 'standing' };

export type ToSearch =
  /** The ledger may have grown. */
  | { kind: 'wake' }
  /** Something has been erased. */
  | { kind: 'forget' }
  | { kind: 'call'; id: number; call: SearchCall }
  /** Whoever made the call does not want an answer any more. */
  | { kind: 'cancel'; id: number }
  | { kind: 'close' };

export type FromSearch =
  | { kind: 'ready' }
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'refusal'; id: number; code: SearchErrorCode; message: string }
  | { kind: 'progress'; id: number; progress: EmbedProgress }
  | { kind: 'trouble'; message: string };
